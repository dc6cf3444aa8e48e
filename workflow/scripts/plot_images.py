from pathlib import Path

import numpy as np

from calovision.images import CHANNELS
from calovision.logs import job_log
from calovision.plotting import plot_event_display, plot_mean_images, save_figure
from calovision.storage import ImageCollection

with job_log(snakemake.log[0]):
    collection = ImageCollection(snakemake.input.images)
    collection.require_events()
    metadata, labels = collection.metadata, collection.column("label")
    weights, names = collection.event_weights(snakemake.params.luminosity_fb), collection.sample_names()
    look = {"eta_range": metadata.grid.eta_range, "channels": [CHANNELS[name].axis_title for name in metadata.channels]}
    means = {
        kind: collection.mean_image(labels == label, weights) for kind, label in (("Signal", 1), ("Background", 0))
    }
    save_figure(plot_mean_images(means, **look), Path(snakemake.output.mean_images).with_suffix(""))
    for kind, label in (("signal", 1), ("background", 0)):
        events = np.flatnonzero(labels == label)
        for number in range(1, snakemake.params.n_displays + 1):
            event = events[(number - 1) % len(events)]
            title = f"{snakemake.params.titles[names[event]]}, event {collection.column('event_number')[event]}"
            figure = plot_event_display(
                collection.dense([event])[0],
                fat_jets=collection.column("fat_jets")[event],
                radius=snakemake.params.radius,
                title=title,
                **look,
            )
            save_figure(figure, Path(snakemake.output[f"event_display_{kind}_{number}"]).with_suffix(""))
