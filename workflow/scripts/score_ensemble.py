import numpy as np
import torch

from calovision.evaluation import ensemble_scores, split_indices
from calovision.jobs.logs import job_log
from calovision.models import load_model
from calovision.scoring import score_collection
from calovision.storage import ImageCollection, write_scores

with job_log(snakemake.log[0]) as record:
    torch.set_num_threads(snakemake.threads)
    collection = ImageCollection(snakemake.input.images)
    indices = split_indices(collection, "test")
    record.count(len(indices))
    # the configuration names the network's module, so that running its code is what the user wants
    models = [load_model(path, allow_imports=True) for path in snakemake.input.models]
    scores = [
        score_collection(model, collection, indices, **snakemake.params.options) for model in models
    ]
    write_scores(
        snakemake.output[0], collection, indices, ensemble_scores(np.stack(scores, axis=1))
    )
