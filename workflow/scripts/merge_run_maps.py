from calovision.jobs.logs import job_log
from calovision.stages import run_maps as stage

with job_log(snakemake.log[0]) as record:
    stage.merge_run_maps(snakemake.input.maps, snakemake.output[0], count=record.count)
