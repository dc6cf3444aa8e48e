from calovision.jobs.logs import job_log
from calovision.stages import run_maps as stage

with job_log(snakemake.log[0]) as record:
    images = snakemake.config["images"]
    options = stage.ReadOptions(images["chunk_size"], images["remote_retries"])
    job, layout = snakemake.params.job, snakemake.params.layout
    stage.build_run_maps(snakemake.output[0], job, layout, options, count=record.count)
