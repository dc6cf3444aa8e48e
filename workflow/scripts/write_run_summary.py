from calovision.jobs.logs import job_log
from calovision.stages.run_summary import RunSummaryResults, write_run_summary

with job_log(snakemake.log[0]):
    output = dict(snakemake.output.items())
    write_run_summary(RunSummaryResults.of(snakemake.output), output)
