import json
import sys
from pathlib import Path

import torch

from calovision.jobs.logs import job_log
from calovision.storage import ImageCollection, read_file_list
from calovision.training import TrainingOptions, train_network

with job_log(snakemake.log[0]) as record:
    torch.set_num_threads(snakemake.threads)
    folder = Path(snakemake.output.model).parent
    resumed = (folder / "resume").exists()
    # no parameter, since it decides no result
    model = {**snakemake.config["train"], **snakemake.config["models"][snakemake.wildcards.model]}
    no_results = {"checkpoint_minutes": model["checkpoint_minutes"]}
    train_network(
        ImageCollection(read_file_list(snakemake.input.images)),
        folder,
        TrainingOptions(
            **snakemake.params.options, **no_results, seed=int(snakemake.wildcards.seed)
        ),
        luminosity_fb=snakemake.params.luminosity_fb,
        progress_bar=sys.stderr.isatty(),
    )
    if not resumed:  # of one that went on, the time of the epochs before is not known
        training = json.loads((folder / "model.json").read_text())["training"]
        record.count(training["epochs"] * training["n_training"])
