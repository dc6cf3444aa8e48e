from calovision.jobs.logs import job_log
from calovision.stages import monitors as stage

with job_log(snakemake.log[0]) as record:
    files = stage.StudyFiles.of(snakemake.input)
    results = stage.StudyResults.of(snakemake.output)
    options = stage.StudyOptions.of(snakemake.params)
    stage.study_faults(files, results, options, count=record.count)
