from calovision.jobs.logs import job_log
from calovision.stages import report as stage

with job_log(snakemake.log[0]):
    files = stage.ReportFiles.of(snakemake.input)
    results = stage.ReportResults.of(snakemake.output)
    options = stage.ReportOptions.of(snakemake.params)
    stage.write_report(files, results, options, snakemake.config)
