from calovision.jobs.logs import job_log
from calovision.stages.figures import regression as stage

with job_log(snakemake.log[0]) as record:
    output = dict(snakemake.output.items())
    files = stage.RegressionPlotFiles.of(snakemake.input)
    stage.plot_regression(files, output, count=record.count)
