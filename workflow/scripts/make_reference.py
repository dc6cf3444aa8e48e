from calovision.jobs.logs import job_log
from calovision.stages import run_reference as stage

with job_log(snakemake.log[0]) as record:
    output = snakemake.output
    files = (snakemake.input.maps, output.reference, output.good_runs)
    stage.make_reference(*files, snakemake.params.good_runs, count=record.count)
