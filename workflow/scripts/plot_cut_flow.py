from calovision.jobs.logs import job_log
from calovision.stages.figures import images as stage

with job_log(snakemake.log[0]) as record:
    output = dict(snakemake.output.items())
    titles = snakemake.params.titles
    stage.plot_cut_flow(snakemake.input.images, output, titles, count=record.count)
