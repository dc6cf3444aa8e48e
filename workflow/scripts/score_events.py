from calovision.jobs.logs import job_log
from calovision.stages import scores as stage
from calovision.stages.collections import own_variables

with job_log(snakemake.log[0]) as record:
    files = (snakemake.input.images, snakemake.input.model, snakemake.output[0])
    options = stage.ScoringOptions(**snakemake.params.options)
    own = own_variables(snakemake.input, snakemake.params)
    own |= {"folds": snakemake.params.folds, "fold": snakemake.wildcards.fold}
    stage.score_events(*files, options, threads=snakemake.threads, count=record.count, **own)
