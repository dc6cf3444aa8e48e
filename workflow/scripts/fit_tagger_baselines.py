from calovision.jobs.logs import job_log
from calovision.stages import tagging as stage

with job_log(snakemake.log[0]) as record:
    results = stage.TaggerBaselineResults.of(snakemake.output)
    options = stage.TaggerBaselineOptions.of(snakemake.params)
    tables = list(snakemake.input.variables)
    images = snakemake.input.images
    stage.fit_tagger_baselines(images, results, options, tables=tables, count=record.count)
