from calovision.jobs.logs import job_log
from calovision.stages import training as stage
from calovision.stages.collections import own_variables

with job_log(snakemake.log[0]) as record:
    files, params = (snakemake.input.images, snakemake.output.model), snakemake.params
    options = stage.training_options(params.options, snakemake.config, **snakemake.wildcards)
    resources = {"threads": snakemake.threads, "count": record.count}
    own = own_variables(snakemake.input, snakemake.params)
    stage.train(*files, options, luminosity_fb=params.luminosity_fb, **resources, **own)
