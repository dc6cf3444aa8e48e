from calovision.jobs.logs import job_log
from calovision.stages.figures import tagging as stage

with job_log(snakemake.log[0]) as record:
    output = dict(snakemake.output.items())
    titles = snakemake.params.class_titles
    n_shown = snakemake.params.n_shown
    images = snakemake.input.images
    stage.plot_class_images(images, output, titles, n_shown=n_shown, count=record.count)
