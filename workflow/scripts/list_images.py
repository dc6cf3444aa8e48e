from calovision.jobs.logs import job_log
from calovision.stages.images import list_images

with job_log(snakemake.log[0]):
    list_images(snakemake.input, snakemake.output[0])
