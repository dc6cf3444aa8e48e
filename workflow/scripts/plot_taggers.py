from calovision.jobs.logs import job_log
from calovision.stages.figures import tagging as stage

with job_log(snakemake.log[0]) as record:
    output = dict(snakemake.output.items())
    files = stage.TaggerPlotFiles.of(snakemake.input)
    options = stage.TaggerPlotOptions.of(snakemake.params)
    stage.plot_taggers(files, output, options, count=record.count)
