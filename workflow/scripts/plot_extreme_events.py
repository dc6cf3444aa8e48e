from pathlib import Path

import numpy as np
from scipy.special import expit

from calovision.images import CHANNELS
from calovision.jobs.logs import job_log
from calovision.plotting import plot_event_display, save_figure
from calovision.storage import ImageCollection, read_file_list, read_score_table

with job_log(snakemake.log[0]) as record:
    collection, params = ImageCollection(read_file_list(snakemake.input.images)), snakemake.params
    test, metadata = read_score_table(snakemake.input.test_events), collection.metadata
    record.count(len(collection))
    titles = [CHANNELS[name].axis_title for name in metadata.channels]
    look = {
        "eta_edges": metadata.grid.edges_in_eta,
        "channels": titles,
        "radius": metadata.fat_jet_radius,
    }
    names, numbers = collection.sample_names(), collection.column("event_number")
    for kind, label, sign in (("signal_like_background", 0, -1), ("background_like_signal", 1, 1)):
        members = np.flatnonzero(test["label"] == label)
        order = members[np.argsort(sign * test["cnn"][members], kind="stable")]
        for count, row in enumerate(np.resize(order, params.n_displays), start=1):
            sample, number = test["sample"][row], test["event_number"][row]
            event = np.flatnonzero((names == sample) & (numbers == number))[0]
            title = (
                f"{params.titles[str(sample)]}, event {number}: output "
                f"{expit(test['cnn'][row]):.3g}"
            )
            image = collection.dense([event])[0]
            figure = plot_event_display(image, fat_jets=test["fat_jets"][row], title=title, **look)
            save_figure(figure, Path(snakemake.output[f"{kind}_{count}"]).with_suffix(""))
