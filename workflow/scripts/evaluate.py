import json
from itertools import islice
from pathlib import Path

import numpy as np

from calovision import evaluation
from calovision.logs import job_log
from calovision.storage import ImageCollection, read_scores, write_table

with job_log(snakemake.log[0]):
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    collection = ImageCollection(files.images)
    indices = evaluation.split_indices(collection, "validation", "test")
    networks = zip(files.scores, files.models, files.histories, strict=True)
    scores, numbers, runs = {}, {}, {}
    for model, seeds in params.seeds.items():
        of_scores, descriptions, histories = zip(*islice(networks, len(seeds)), strict=True)
        scores[model] = np.stack([read_scores(path, collection, indices) for path in of_scores], axis=1)
        numbers[model], runs[model] = evaluation.read_runs(seeds, descriptions, histories)
    ensembles = {model: evaluation.ensemble_scores(columns) for model, columns in scores.items()}
    options = {name: params[name] for name in ("luminosity_fb", "signal_region", "seed")}
    test = evaluation.tabulate_test_events(collection, indices, ensembles, **options)
    is_test = np.isin(indices, evaluation.split_indices(collection, "test"))
    in_test = {model: columns[is_test] for model, columns in scores.items()}
    points = params.background_efficiencies
    summary = evaluation.summarize(collection, test, points, models=list(scores)[1:])
    models = evaluation.compare_models(in_test, test["label"], test["weight"], points, runs=runs, numbers=numbers)
    write_table(output.test_events, test)
    write_table(output.network_scores, in_test)
    Path(output.table).write_text(evaluation.summary_table(summary) + "\n" + evaluation.models_table(models))
    Path(output.summary).write_text(json.dumps(summary, indent=2) + "\n")
    Path(output.models).write_text(json.dumps(models, indent=2) + "\n")
