from calovision.jobs.logs import job_log
from calovision.stages.figures import images as stage

with job_log(snakemake.log[0]) as record:
    output = dict(snakemake.output.items())
    files = stage.ExtremesFiles.of(snakemake.input)
    options = stage.ExtremesOptions.of(snakemake.params)
    stage.plot_extreme_events(files, output, options, count=record.count)
