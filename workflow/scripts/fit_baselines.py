from calovision.jobs.logs import job_log
from calovision.stages import baselines as stage

with job_log(snakemake.log[0]) as record:
    results = stage.BaselineResults.of(snakemake.output)
    options = stage.BaselineOptions.of(snakemake.params)
    stage.fit_baselines(snakemake.input.images, results, options, count=record.count)
