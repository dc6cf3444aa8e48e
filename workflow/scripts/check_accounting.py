from calovision.jobs.logs import job_log
from calovision.stages import accounting as stage

with job_log(snakemake.log[0]) as record:
    files = stage.AccountingFiles.of(snakemake.input)
    results = stage.AccountingResults.of(snakemake.output)
    options = stage.AccountingOptions.of(snakemake.params)
    more = {"retries": snakemake.config["images"]["remote_retries"], "count": record.count}
    stage.check_accounting(files, results, options, **more)
