from calovision.jobs.logs import job_log
from calovision.stages import monitors as stage

with job_log(snakemake.log[0]) as record:
    files = (snakemake.input.maps, snakemake.input.reference, snakemake.output[0])
    more = {"method": snakemake.wildcards.method, "seed": snakemake.params.seed}
    stage.train_monitor(*files, **more, count=record.count)
