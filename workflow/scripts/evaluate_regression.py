from calovision.jobs.logs import job_log
from calovision.stages import regression as stage

with job_log(snakemake.log[0]) as record:
    files = stage.RegressionFiles.of(snakemake.input)
    results = stage.RegressionResults.of(snakemake.output)
    options = stage.RegressionOptions.of(snakemake.params)
    stage.evaluate_regression(files, results, options, count=record.count)
