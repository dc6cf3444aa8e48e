from calovision.jobs.logs import job_log
from calovision.stages.figures import models as stage

with job_log(snakemake.log[0]) as record:
    output = dict(snakemake.output.items())
    files = stage.ModelsFiles.of(snakemake.input)
    stage.plot_models(files, output, axis=snakemake.params.axis, count=record.count)
