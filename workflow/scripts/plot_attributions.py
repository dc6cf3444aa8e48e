from calovision.jobs.logs import job_log
from calovision.stages.figures import attributions as stage

with job_log(snakemake.log[0]) as record:
    output = dict(snakemake.output.items())
    files = stage.AttributionsFiles.of(snakemake.input)
    options = stage.AttributionsOptions.of(snakemake.params)
    stage.plot_attributions(files, output, options, threads=snakemake.threads, count=record.count)
