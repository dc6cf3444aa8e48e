from calovision.jobs.logs import job_log
from calovision.stages.figures import models as stage

with job_log(snakemake.log[0]):
    output = dict(snakemake.output.items())
    options = stage.TrainingOptions.of(snakemake.params)
    stage.plot_training(snakemake.input.histories, output, options)
