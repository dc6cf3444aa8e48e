from calovision.jobs.logs import job_log
from calovision.stages import reach as stage

with job_log(snakemake.log[0]) as record:
    files = stage.ReachFiles.of(snakemake.input)
    results = stage.ReachResults.of(snakemake.output)
    options = stage.ReachOptions.of(snakemake.params)
    stage.evaluate_reach(files, results, options, count=record.count)
