import json

from calovision.datasets import training_weights
from calovision.evaluation import score_shallow, split_indices
from calovision.jobs.atomic import write_text
from calovision.jobs.logs import job_log
from calovision.storage import ImageCollection, read_file_list, write_scores

with job_log(snakemake.log[0]) as record:
    collection, params = ImageCollection(read_file_list(snakemake.input.images)), snakemake.params
    record.count(len(collection))
    expected = collection.event_weights(params.luminosity_fb)
    weights = training_weights(collection.column("label"), expected, params.weights)
    scores, chosen = score_shallow(collection, params.classifiers, weights, seed=params.seed)
    indices = split_indices(collection, "validation", "test")
    write_scores(snakemake.output.scores, collection, indices, scores)
    write_text(snakemake.output.chosen, json.dumps(chosen, indent=2) + "\n")
