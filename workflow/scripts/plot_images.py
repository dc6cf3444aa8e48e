from pathlib import Path

import numpy as np

from calovision.images import CHANNELS
from calovision.jobs.logs import job_log
from calovision.plotting import plot_event_display, plot_mean_images, save_figure
from calovision.storage import ImageCollection, read_file_list

with job_log(snakemake.log[0]) as record:
    collection, params = ImageCollection(read_file_list(snakemake.input.images)), snakemake.params
    collection.require_events()
    record.count(len(collection))
    metadata, labels, samples = (
        collection.metadata,
        collection.column("label"),
        collection.sample_names(),
    )
    fat_jets, numbers = collection.column("fat_jets"), collection.column("event_number")
    titles = [CHANNELS[name].axis_title for name in metadata.channels]
    look = {"eta_edges": metadata.grid.edges_in_eta, "channels": titles}
    weights = collection.event_weights(params.luminosity_fb)
    means = {
        params.class_names[label]: collection.mean_image(labels == label, weights)
        for label in (1, 0)
    }
    save_figure(plot_mean_images(means, **look), Path(snakemake.output.mean_images).with_suffix(""))
    look["radius"] = metadata.fat_jet_radius
    for kind, label in (("signal", 1), ("background", 0)):
        events = np.resize(np.flatnonzero(labels == label), params.n_displays)
        for count, event in enumerate(events, start=1):
            image, title = (
                collection.dense([event])[0],
                f"{params.titles[samples[event]]}, event {numbers[event]}",
            )
            figure = plot_event_display(image, fat_jets=fat_jets[event], title=title, **look)
            save_figure(
                figure, Path(snakemake.output[f"event_display_{kind}_{count}"]).with_suffix("")
            )
