import json
from pathlib import Path

from calovision.logs import job_log
from calovision.plotting import plot_run_summary, save_figure
from calovision.run_summary import summarize_run, summary_tables

with job_log(snakemake.log[0]):
    output = snakemake.output
    found = summarize_run(Path(output.numbers).parents[1])
    Path(output.numbers).write_text(json.dumps(found, indent=2) + "\n")
    Path(output.table).write_text(summary_tables(found))
    save_figure(plot_run_summary(found["stages"]), Path(output.run_summary).with_suffix(""))
