from calovision.jobs.logs import job_log
from calovision.stages import mean_model as stage

with job_log(snakemake.log[0]):
    stage.average_networks(
        snakemake.input.models, snakemake.output.model, folds=snakemake.params.folds
    )
