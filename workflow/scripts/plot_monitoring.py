from calovision.jobs.logs import job_log
from calovision.stages.figures import monitoring as stage

with job_log(snakemake.log[0]):
    files = stage.MonitoringPlotFiles.of(snakemake.input)
    stage.plot_monitoring(files, dict(snakemake.output.items()))
