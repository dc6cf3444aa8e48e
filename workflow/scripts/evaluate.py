import json
from itertools import islice

import numpy as np

from calovision import evaluation
from calovision.jobs.atomic import write_text
from calovision.jobs.logs import job_log
from calovision.storage import (
    ImageCollection,
    read_file_list,
    read_score_columns,
    read_scores,
    write_score_table,
)

with job_log(snakemake.log[0]) as record:
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    collection = ImageCollection(read_file_list(files.images))
    indices = evaluation.split_indices(collection, "validation", "test")
    record.count(len(indices))
    networks = zip(files.scores, files.models, files.histories, strict=True)
    scores, numbers, runs = {}, {}, {}
    for model, seeds in params.seeds.items():
        of_scores, descriptions, histories = zip(*islice(networks, len(seeds)), strict=True)
        scores[model] = np.stack(
            [read_scores(path, collection, indices) for path in of_scores], axis=1
        )
        numbers[model], runs[model] = evaluation.read_runs(seeds, descriptions, histories)
    shallow = read_score_columns(files.baselines, collection, indices, params.baselines)
    ensembles = {model: evaluation.ensemble_scores(columns) for model, columns in scores.items()}
    options = {name: params[name] for name in ("luminosity_fb", "signal_region", "seed")}
    validation, test = evaluation.tabulate_events(
        collection, indices, ensembles | shallow, **options
    )
    is_test = np.isin(indices, evaluation.split_indices(collection, "test"))
    in_test = {model: columns[is_test] for model, columns in scores.items()}
    points = params.background_efficiencies
    summary = evaluation.summarize(collection, test, points, models=[*list(scores)[1:], *shallow])
    models = evaluation.compare_models(
        in_test, test["label"], test["weight"], points, runs=runs, numbers=numbers
    )
    single = {
        name: test[name]
        for name in ("n_fat_jets", "mj_sum", "n_jets", *shallow, "cnn+jets")
        if name in test
    }
    reference = "referee" if "referee" in shallow else None
    comparison = evaluation.compare_with_cuts(
        test, single | in_test, reference=reference, seed=params.seed
    )
    of_samples = {name: params[name] for name in ("luminosity_fb", "signal_region")}
    samples = evaluation.summarize_samples(collection, **of_samples)
    write_score_table(output.validation_events, validation)
    write_score_table(output.test_events, test)
    write_score_table(output.network_scores, in_test)
    texts = {
        output.table: evaluation.summary_table(summary) + "\n" + evaluation.models_table(models),
        output.comparison_table: evaluation.comparison_table(comparison),
        output.samples_table: evaluation.samples_table(samples),
        output.cut_flow_table: evaluation.cut_flow_table(samples),
    }
    found = {"summary": summary, "models": models, "comparison": comparison, "samples": samples}
    texts |= {output[name]: json.dumps(numbers, indent=2) + "\n" for name, numbers in found.items()}
    for path, text in texts.items():
        write_text(path, text)
