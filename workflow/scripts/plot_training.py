from pathlib import Path

from calovision.evaluation import read_history
from calovision.jobs.logs import job_log
from calovision.plotting import plot_learning_curves, save_figure

with job_log(snakemake.log[0]):
    files = iter(snakemake.input.histories)
    seeds = snakemake.params.seeds
    histories = {
        model: {seed: read_history(next(files)) for seed in seeds[model]} for model in seeds
    }
    save_figure(
        plot_learning_curves(histories), Path(snakemake.output.learning_curves).with_suffix("")
    )
