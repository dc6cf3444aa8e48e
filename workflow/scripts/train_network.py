from calovision.jobs.logs import job_log
from calovision.stages import training as stage
from calovision.stages.collections import own_variables

with job_log(snakemake.log[0]) as record:
    params, files = snakemake.params, (snakemake.input.images, snakemake.output.model)
    options = stage.training_options(params.options, snakemake.config, **snakemake.wildcards)
    more = own_variables(snakemake.input, params) | {"fold": snakemake.wildcards.fold}
    more |= {"folds": params.folds, "threads": snakemake.threads, "count": record.count}
    stage.train(*files, options, luminosity_fb=params.luminosity_fb, **more)
