import json

from calovision import evaluation
from calovision.jobs.atomic import write_text
from calovision.jobs.logs import job_log
from calovision.selection import evaluate_cut
from calovision.storage import ImageCollection, read_score_table, read_scores

with job_log(snakemake.log[0]) as record:
    params, scores = snakemake.params, iter(snakemake.input.scores)
    test, point = read_score_table(snakemake.input.test_events), params.background_efficiency
    columns = {model: "cnn" if model == params.first_model else model for model in params.models}
    nominal = (test["label"], test["weight"])
    thresholds = {
        name: evaluation.threshold_at(test[columns[name]], *nominal, point)
        for name in params.models
    }
    found = {"background_efficiency": point, "thresholds": thresholds, "variations": {}}
    for number, variation in enumerate(params.variations):
        files = snakemake.input.images[number * params.n_files : (number + 1) * params.n_files]
        collection = ImageCollection(files)
        indices = evaluation.split_indices(collection, "test")
        record.count(len(indices))
        events = {
            name: collection.column(name)[indices] for name in evaluation.column_names(collection)
        }
        region = evaluate_cut("signal_region", params.signal_region, events)
        of_models = {
            model: read_scores(next(scores), collection, indices) for model in params.models
        }
        weights = collection.event_weights(params.luminosity_fb)[indices]
        found["variations"][variation] = evaluation.efficiencies_of_variation(
            of_models, thresholds, region, events["label"], weights
        )
    write_text(snakemake.output.numbers, json.dumps(found, indent=2) + "\n")
    write_text(snakemake.output.table, evaluation.robustness_table(found))
