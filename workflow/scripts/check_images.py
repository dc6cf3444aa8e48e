from calovision.jobs.logs import job_log
from calovision.stages import image_accounts as stage

with job_log(snakemake.log[0]) as record:
    files = stage.ImageAccountFiles.of(snakemake.input)
    options = stage.ImageAccountOptions.of(snakemake.params)
    retries = snakemake.config["images"]["remote_retries"]
    stage.check_images(files, snakemake.output[0], options, retries=retries, count=record.count)
