from calovision.jobs.logs import job_log
from calovision.stages import comparison as stage

with job_log(snakemake.log[0]) as record:
    files = stage.EvaluationFiles.of(snakemake.input)
    results = stage.EvaluationResults.of(snakemake.output)
    options = stage.EvaluationOptions.of(snakemake.params)
    stage.evaluate(files, results, options, count=record.count)
