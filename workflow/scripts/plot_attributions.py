from pathlib import Path

import numpy as np
import torch

from calovision.images import CHANNELS
from calovision.jobs.logs import job_log
from calovision.models import load_model
from calovision.plotting import plot_attributions, save_figure
from calovision.scoring.attribution import mean_attribution
from calovision.storage import ImageCollection, read_file_list
from calovision.storage.splits import SPLITS

with job_log(snakemake.log[0]) as record:
    torch.set_num_threads(snakemake.threads)
    collection, params = ImageCollection(read_file_list(snakemake.input.images)), snakemake.params
    model = load_model(snakemake.input.models[0], allow_imports=True)
    labels, rng = collection.column("label"), np.random.default_rng(params.seed)
    is_test = collection.column("split") == SPLITS.index("test")
    weights = collection.event_weights(params.luminosity_fb)
    chosen = {}
    for label in (1, 0):
        members = np.flatnonzero(is_test & (labels == label))
        chosen[params.class_names[label]] = rng.permutation(members)[: params.n_events]
    record.count(sum(map(len, chosen.values())))
    maps = mean_attribution(
        model, collection, chosen, weights=weights, n_steps=None, precision="auto"
    )
    metadata = collection.metadata
    titles = [CHANNELS[name].title for name in metadata.channels]
    figure = plot_attributions(maps, eta_edges=metadata.grid.edges_in_eta, channels=titles)
    save_figure(figure, Path(snakemake.output.attributions).with_suffix(""))
