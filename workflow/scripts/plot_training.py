from pathlib import Path

import numpy as np

from calovision.logs import job_log
from calovision.plotting import plot_learning_curves, save_figure

with job_log(snakemake.log[0]):
    table = np.genfromtxt(snakemake.input.history, delimiter=",", names=True, ndmin=1)
    history = {name: table[name] for name in table.dtype.names}
    best_epoch = int(history["epoch"][np.nanargmin(history["validation_loss"])])
    figure = plot_learning_curves(history, best_epoch=best_epoch)
    save_figure(figure, Path(snakemake.output.learning_curves).with_suffix(""))
