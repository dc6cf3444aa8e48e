from calovision.jobs.logs import job_log
from calovision.stages import run_pages as stage

with job_log(snakemake.log[0]) as record:
    files = (snakemake.input.maps, snakemake.input.reference, snakemake.input.flags)
    folder, most = snakemake.output[0], snakemake.params.most
    stage.write_run_pages(*files, folder, most=most, count=record.count)
