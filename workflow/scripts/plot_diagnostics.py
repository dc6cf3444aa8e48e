import json
from pathlib import Path

from calovision import plotting
from calovision.evaluation import diagnose
from calovision.jobs.atomic import write_text
from calovision.jobs.logs import job_log
from calovision.storage import read_score_table

with job_log(snakemake.log[0]) as record:
    test = read_score_table(snakemake.input.test_events)
    record.count(len(test["label"]))
    found = diagnose(test, snakemake.params.classifiers)
    write_text(snakemake.output.numbers, json.dumps(found.to_json(), indent=2) + "\n")
    figures = {
        "calibration": plotting.plot_calibration(found.calibration),
        "correlations": plotting.plot_correlations(found.correlations),
        "mass_sculpting": plotting.plot_mass_sculpting(found.mass_sculpting),
    }
    for name, figure in figures.items():
        plotting.save_figure(figure, Path(snakemake.output[name]).with_suffix(""))
