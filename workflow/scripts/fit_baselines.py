import json
from pathlib import Path

from calovision.datasets import training_weights
from calovision.evaluation import score_shallow, split_indices
from calovision.logs import job_log
from calovision.storage import ImageCollection, write_table

with job_log(snakemake.log[0]):
    collection, params = ImageCollection(snakemake.input.images), snakemake.params
    expected = collection.event_weights(params.luminosity_fb)
    weights = training_weights(collection.column("label"), expected, params.weights)
    scores, chosen = score_shallow(collection, params.classifiers, weights, seed=params.seed)
    indices = split_indices(collection, "validation", "test")
    keys = {"event_number": collection.column("event_number")[indices], "sample": collection.sample_names()[indices]}
    write_table(snakemake.output.scores, keys | scores)
    Path(snakemake.output.chosen).write_text(json.dumps(chosen, indent=2) + "\n")
