from calovision.jobs.logs import job_log
from calovision.stages import baselines as stage

with job_log(snakemake.log[0]) as record:
    results = stage.BaselineResults.of(snakemake.output)
    options = stage.BaselineOptions.of(snakemake.params)
    tables = list(snakemake.input.variables)
    images = snakemake.input.images
    stage.fit_baselines(images, results, options, tables=tables, count=record.count)
