import json
from pathlib import Path

from calovision.jobs.atomic import write_text
from calovision.jobs.logs import job_log
from calovision.jobs.run_summary import summarize_run, summary_tables
from calovision.plotting import plot_run_summary, save_figure

with job_log(snakemake.log[0]):
    output = snakemake.output
    found = summarize_run(Path(output.numbers).parents[1])
    write_text(output.numbers, json.dumps(found, indent=2) + "\n")
    write_text(output.table, summary_tables(found))
    save_figure(plot_run_summary(found["stages"]), Path(output.run_summary).with_suffix(""))
