from calovision.jobs.logs import job_log
from calovision.stages.figures import models as stage

with job_log(snakemake.log[0]):
    output = dict(snakemake.output.items())
    stage.plot_training(
        snakemake.input.histories,
        output,
        snakemake.params.networks,
        titles=snakemake.params.class_titles,
        colors=snakemake.params.class_colors,
    )
