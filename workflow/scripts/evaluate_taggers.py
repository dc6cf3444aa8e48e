from calovision.jobs.logs import job_log
from calovision.stages import tagging as stage

with job_log(snakemake.log[0]) as record:
    files = stage.TaggerFiles.of(snakemake.input)
    results = stage.TaggerResults.of(snakemake.output)
    options = stage.TaggerOptions.of(snakemake.params)
    stage.evaluate_taggers(files, results, options, count=record.count)
