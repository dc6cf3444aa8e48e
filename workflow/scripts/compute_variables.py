from calovision.jobs.logs import job_log
from calovision.stages import images as stage

with job_log(snakemake.log[0]) as record:
    job = stage.ImageJob.of(snakemake.wildcards.sample, snakemake.params.job)
    options = stage.ImageFileOptions.of(snakemake.config["images"])
    files = (snakemake.input.images, snakemake.output[0])
    stage.compute_variables(*files, job, snakemake.params.wanted, options, count=record.count)
