import json
from pathlib import Path

import numpy as np

from calovision.evaluation import ensemble_scores
from calovision.jobs.logs import job_log
from calovision.metrics import Efficiency, roc
from calovision.plotting import plot_model_comparison, plot_model_roc, save_figure
from calovision.storage import read_score_table

with job_log(snakemake.log[0]) as record:
    test, scores = (
        read_score_table(snakemake.input.test_events),
        read_score_table(snakemake.input.network_scores),
    )
    record.count(len(test["label"]))
    models = json.loads(Path(snakemake.input.models).read_text())
    for weighting, suffix in (("weighted", ""), ("unweighted", "_unweighted")):
        classes = (
            test["label"],
            test["weight"] if weighting == "weighted" else np.ones(len(test["label"])),
        )
        values, ensembles, curves, of_ensembles = {}, {}, {}, {}
        for model, numbers in models.items():
            seeds = [
                one[weighting]["signal_efficiency"].values() for one in numbers["seeds"].values()
            ]
            values[model] = np.array([[point["value"] for point in points] for points in seeds])
            at_points = numbers["ensemble"][weighting]["signal_efficiency"]
            ensembles[model] = [Efficiency(**point) for point in at_points.values()]
            curves[model] = [roc(network, *classes) for network in scores[model].T]
            of_ensembles[model] = roc(ensemble_scores(scores[model]), *classes)
        comparison = plot_model_comparison(values, ensembles, list(at_points))
        save_figure(comparison, Path(snakemake.output[f"model_comparison{suffix}"]).with_suffix(""))
        save_figure(
            plot_model_roc(of_ensembles, curves),
            Path(snakemake.output[f"model_roc{suffix}"]).with_suffix(""),
        )
