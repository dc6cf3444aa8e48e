from calovision.jobs.logs import job_log
from calovision.stages.images import list_variables

with job_log(snakemake.log[0]):
    list_variables(snakemake.input, snakemake.output[0])
