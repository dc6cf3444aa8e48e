from calovision.jobs.logs import job_log
from calovision.stages import scores as stage

with job_log(snakemake.log[0]) as record:
    job = {**snakemake.params.job, "retries": snakemake.config["images"]["remote_retries"]}
    files = (job, snakemake.input.models, snakemake.output[0])
    options = stage.ScoringOptions(**snakemake.params.options)
    stage.score_application(*files, options, threads=snakemake.threads, count=record.count)
