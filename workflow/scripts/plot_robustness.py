import json
from pathlib import Path

from calovision.jobs.logs import job_log
from calovision.metrics import Efficiency
from calovision.plotting import plot_robustness, save_figure

with job_log(snakemake.log[0]):
    variations = json.loads(Path(snakemake.input.numbers).read_text())["variations"]
    signal, background = (
        {
            name: {
                variation: Efficiency(**found[name][kind])
                for variation, found in variations.items()
            }
            for name in variations["nominal"]
        }
        for kind in ("signal", "background")
    )
    save_figure(
        plot_robustness(signal, background), Path(snakemake.output.robustness).with_suffix("")
    )
