from calovision.jobs.logs import job_log
from calovision.stages import run_accounts as stage
from calovision.stages.accounting import AccountingResults

with job_log(snakemake.log[0]) as record:
    files = stage.RunAccountFiles.of(snakemake.input)
    results = AccountingResults.of(snakemake.output)
    more = {"retries": snakemake.config["images"]["remote_retries"], "count": record.count}
    stage.check_runs(files, results, snakemake.params.sources, **more)
