from pathlib import Path

from calovision.logs import job_log
from calovision.storage import write_file_list

with job_log(snakemake.log[0]):
    write_file_list(Path(snakemake.output[0]), snakemake.input)
