import torch

from calovision.evaluation import split_indices
from calovision.logs import job_log
from calovision.storage import ImageCollection, write_scores
from calovision.training import predict_scores

with job_log(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    collection = ImageCollection(snakemake.input.images)
    indices = split_indices(collection, "validation", "test")
    scores = predict_scores(collection, snakemake.input.checkpoint, indices, device=snakemake.params.device)
    write_scores(snakemake.output[0], collection, indices, scores)
