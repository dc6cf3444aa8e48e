import torch

from calovision.evaluation import split_indices
from calovision.jobs.logs import job_log
from calovision.models import load_model
from calovision.scoring import score_collection
from calovision.storage import ImageCollection, read_file_list, write_scores

with job_log(snakemake.log[0]) as record:
    torch.set_num_threads(snakemake.threads)
    collection = ImageCollection(read_file_list(snakemake.input.images))
    indices = split_indices(collection, "validation", "test")
    record.count(len(indices))
    # the configuration names the network's module, so that running its code is what the user wants
    model = load_model(snakemake.input.model, allow_imports=True)
    params = snakemake.params
    scores = score_collection(model, collection, indices, **params.options)
    rotations = {"n_rotations": params.options["n_rotations"]}  # for the plan of another run
    write_scores(snakemake.output[0], collection, indices, scores, attributes=rotations)
