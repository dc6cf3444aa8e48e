from calovision.jobs.logs import job_log
from calovision.stages import images as stage

with job_log(snakemake.log[0]) as record:
    job = stage.ImageJob.of(snakemake.wildcards.sample, snakemake.params.job)
    recipe = stage.image_recipe(snakemake.params.recipe, snakemake.params.job["split"])
    options = stage.ImageFileOptions.of(snakemake.config["images"])
    stage.build_images(snakemake.output[0], job, recipe, options, count=record.count)
