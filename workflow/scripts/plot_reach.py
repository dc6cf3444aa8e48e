from pathlib import Path

from calovision.evaluation.results import Reach
from calovision.jobs.logs import job_log
from calovision.plotting import plot_limits_against_mass, plot_reach, save_figure

with job_log(snakemake.log[0]):
    found, output = Reach.read(snakemake.input.numbers), snakemake.output
    save_figure(plot_reach(found), Path(output.reach).with_suffix(""))
    if found.against_mass is not None:
        figure = plot_limits_against_mass(found.against_mass, classifiers=["cnn"])
        save_figure(figure, Path(output.limits_against_mass).with_suffix(""))
