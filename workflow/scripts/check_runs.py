from calovision.jobs.logs import job_log
from calovision.stages import accounting as stage

with job_log(snakemake.log[0]) as record:
    files = stage.RunAccountFiles.of(snakemake.input)
    results = stage.AccountingResults.of(snakemake.output)
    more = {"retries": snakemake.config["images"]["remote_retries"], "count": record.count}
    stage.check_runs(files, results, snakemake.params.sources, **more)
