from pathlib import Path

from calovision.jobs.logs import job_log
from calovision.stages import explore as stage
from calovision.stages.explore_options import ExploreOptions

with job_log(snakemake.log[0]) as record:
    files = stage.ExploreFiles.of(snakemake.input)
    options = ExploreOptions.of(snakemake.params)
    stage.write_explorer(files, Path(snakemake.output[0]), options, count=record.count)
