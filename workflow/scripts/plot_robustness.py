from calovision.jobs.logs import job_log
from calovision.stages.figures import search as stage

with job_log(snakemake.log[0]):
    output = dict(snakemake.output.items())
    stage.plot_robustness(snakemake.input.numbers, output)
