import json
from pathlib import Path

import numpy as np

from calovision import evaluation
from calovision.evaluation import reach
from calovision.jobs.atomic import write_text
from calovision.jobs.logs import job_log
from calovision.storage import ImageCollection, read_score_table, read_scores

with job_log(snakemake.log[0]) as record:
    files, params = snakemake.input, snakemake.params
    validation, test = (
        read_score_table(files.validation_events),
        read_score_table(files.test_events),
    )
    record.count(len(validation["label"]) + len(test["label"]))
    samples = json.loads(Path(files.samples).read_text())["samples"]
    options = evaluation.expected_events(samples) | params.options
    found = reach.search_reach(validation, test, params.classifiers, seed=params.seed, **options)
    points = {}
    for path in files.scores:
        name = Path(path).stem
        collection = ImageCollection(
            [file for file in files.images if Path(file).parent.name == name]
        )
        scores = read_scores(path, collection, np.arange(len(collection)))
        region = {key: params[key] for key in ("signal_region", "luminosity_fb")}
        points[params.masses[name]] = evaluation.signal_point(collection, scores, **region)
    if points:
        signal = next(name for name, numbers in samples.items() if numbers["label"] == 1)
        points[params.masses[signal]] = evaluation.nominal_point(test, samples[signal])
        tables = {mass: point.events for mass, point in points.items()}
        theory = {mass: point.cross_section_pb for mass, point in points.items()}
        expected = {mass: point.expected for mass, point in points.items()}
        found["against_mass"] = reach.reach_against_mass(
            evaluation.only_cnn(found), tables, cross_sections_pb=theory, expected_signal=expected
        )
    write_text(snakemake.output.numbers, json.dumps(found, indent=2) + "\n")
    write_text(snakemake.output.table, evaluation.reach_table(found))
