from calovision.jobs.logs import job_log
from calovision.stages import report as stage

with job_log(snakemake.log[0]) as record:
    files = stage.SubmissionFiles.of(snakemake.input)
    folder, description = snakemake.output[0], snakemake.params.description
    stage.write_hepdata(files, folder, description, count=record.count)
