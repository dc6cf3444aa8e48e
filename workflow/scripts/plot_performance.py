import json
from pathlib import Path

from calovision import plotting
from calovision.evaluation import CLASSIFIERS, bootstrap_roc
from calovision.jobs.logs import job_log
from calovision.metrics import Efficiency, roc
from calovision.storage import read_score_table

with job_log(snakemake.log[0]) as record:
    test = read_score_table(snakemake.input.test_events)
    record.count(len(test["label"]))
    summary = json.loads(Path(snakemake.input.summary).read_text())
    classes, names = (test["label"], test["weight"]), snakemake.params.class_names
    region = tuple(
        Efficiency(**summary["signal_region"][f"{kind}_efficiency"])
        for kind in ("signal", "background")
    )
    efficiencies = {
        name: {
            point: Efficiency(**value)
            for point, value in summary["classifiers"][name]["signal_efficiency"].items()
        }
        for name in CLASSIFIERS
    }
    shown = [*CLASSIFIERS, *[name for name in ("n_jets", "referee") if name in test]]
    curves = {name: roc(test[name], *classes) for name in shown}
    networks = read_score_table(snakemake.input.network_scores)[snakemake.params.first_model]
    band = {"cnn": bootstrap_roc(networks, *classes, plotting.SIGNAL_GRID)}
    figures = {
        "roc": plotting.plot_roc(curves, signal_region=region, bootstrap=band),
        "cnn_vs_n_fat_jets": plotting.plot_score_vs_n_fat_jets(
            test["cnn"], test["n_fat_jets"], *classes, names=names
        ),
        "cnn_vs_mj_sum": plotting.plot_score_vs_mj_sum(
            test["cnn"], test["mj_sum"], *classes, names=names
        ),
        "combination_gain": plotting.plot_combination_gain(efficiencies),
        "scores": plotting.plot_scores(test["cnn"], *classes, names=names),
    }
    for name, figure in figures.items():
        plotting.save_figure(figure, Path(snakemake.output[name]).with_suffix(""))
