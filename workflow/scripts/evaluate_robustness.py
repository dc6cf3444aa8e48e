from calovision.jobs.logs import job_log
from calovision.stages import robustness as stage

with job_log(snakemake.log[0]) as record:
    files = stage.RobustnessFiles.of(snakemake.input)
    results = stage.RobustnessResults.of(snakemake.output)
    options = stage.RobustnessOptions.of(snakemake.params)
    stage.evaluate_robustness(files, results, options, count=record.count)
