from calovision.jobs.logs import job_log
from calovision.stages.figures import performance as stage

with job_log(snakemake.log[0]) as record:
    output = dict(snakemake.output.items())
    files = stage.PerformanceFiles.of(snakemake.input)
    options = stage.PerformanceOptions.of(snakemake.params)
    stage.plot_performance(files, output, options, count=record.count)
