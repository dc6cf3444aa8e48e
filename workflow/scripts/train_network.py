import sys
from pathlib import Path

import torch

from calovision.logs import job_log
from calovision.storage import ImageCollection
from calovision.training import TrainingOptions, train_network

with job_log(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    train_network(
        ImageCollection(snakemake.input.images),
        Path(snakemake.output.model).parent,
        TrainingOptions(**snakemake.params.options, seed=int(snakemake.wildcards.seed)),
        luminosity_fb=snakemake.params.luminosity_fb,
        progress_bar=sys.stderr.isatty(),
    )
