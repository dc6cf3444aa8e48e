from calovision.jobs.logs import job_log
from calovision.stages import monitoring as stage

with job_log(snakemake.log[0]) as record:
    files = stage.MonitorFiles.of(snakemake.input)
    results = stage.MonitorResults.of(snakemake.output)
    options = stage.MonitorOptions.of(snakemake.params)
    stage.monitor_runs(files, results, options, count=record.count)
