import json
from pathlib import Path

from calovision.evaluation import CLASSIFIERS
from calovision.logs import job_log
from calovision.metrics import Efficiency, roc
from calovision.plotting import (
    plot_combination_gain,
    plot_roc,
    plot_score_vs_mj_sum,
    plot_score_vs_n_fat_jets,
    plot_scores,
    save_figure,
)
from calovision.storage import read_table

with job_log(snakemake.log[0]):
    test = read_table(snakemake.input.test_events)
    summary = json.loads(Path(snakemake.input.summary).read_text())
    classes = test["label"], test["weight"]
    region = tuple(Efficiency(**summary["signal_region"][f"{kind}_efficiency"]) for kind in ("signal", "background"))
    efficiencies = {
        name: {point: Efficiency(**value) for point, value in summary["classifiers"][name]["signal_efficiency"].items()}
        for name in CLASSIFIERS
    }
    figures = {
        "roc": plot_roc({name: roc(test[name], *classes) for name in CLASSIFIERS}, signal_region=region),
        "cnn_vs_n_fat_jets": plot_score_vs_n_fat_jets(test["cnn"], test["n_fat_jets"], *classes),
        "cnn_vs_mj_sum": plot_score_vs_mj_sum(test["cnn"], test["mj_sum"], *classes),
        "combination_gain": plot_combination_gain(efficiencies),
        "scores": plot_scores(test["cnn"], *classes),
    }
    for name, figure in figures.items():
        save_figure(figure, Path(snakemake.output[name]).with_suffix(""))
