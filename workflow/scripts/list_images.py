from pathlib import Path

from calovision.jobs.logs import job_log
from calovision.storage import ImageCollection, write_file_list

with job_log(snakemake.log[0]):
    ImageCollection(
        snakemake.input
    )  # files that do not belong together are refused before the first training
    write_file_list(Path(snakemake.output[0]), snakemake.input)
