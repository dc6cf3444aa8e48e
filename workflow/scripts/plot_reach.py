import json
from pathlib import Path

from calovision.jobs.logs import job_log
from calovision.plotting import plot_limits_against_mass, plot_reach, save_figure

with job_log(snakemake.log[0]):
    found, output = json.loads(Path(snakemake.input.numbers).read_text()), snakemake.output
    save_figure(plot_reach(found), Path(output.reach).with_suffix(""))
    if "against_mass" in found:
        figure = plot_limits_against_mass(found["against_mass"], classifiers=["cnn"])
        save_figure(figure, Path(output.limits_against_mass).with_suffix(""))
