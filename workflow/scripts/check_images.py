from calovision.jobs.logs import job_log
from calovision.stages import accounting as stage

with job_log(snakemake.log[0]) as record:
    files = stage.ImageAccountFiles.of(snakemake.input)
    options = stage.ImageAccountOptions.of(snakemake.params)
    stage.check_images(files, snakemake.output[0], options, count=record.count)
