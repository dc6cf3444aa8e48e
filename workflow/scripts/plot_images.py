from calovision.jobs.logs import job_log
from calovision.stages.figures import images as stage

with job_log(snakemake.log[0]) as record:
    output = dict(snakemake.output.items())
    options = stage.ImagesOptions.of(snakemake.params)
    stage.plot_images(snakemake.input.images, output, options, count=record.count)
