"""Results and image files of a small search, for the page to explore."""

import json
from pathlib import Path

import numpy as np
from fakes import make_columns, make_images, write_image_file
from scipy.special import logit

from calovision.core.splits import SPLITS
from calovision.evaluation import summarize, summarize_samples
from calovision.jobs.atomic import write_json
from calovision.stages import explore
from calovision.stages.explore_options import ExploreOptions
from calovision.storage import ImageCollection, write_file_list, write_score_table

N = 400
POINTS = (0.5, 0.1)
REGION = "mj_sum > 250"
SHAPE = (2, 16, 16)


def write_search(folder: Path, *, models: tuple[str, ...] = ("mlp",)) -> explore.ExploreFiles:
    """Image files, test events with weights of both signs, and the results of both."""
    paths = []
    for label, sample in ((1, "rpv"), (0, "qcd")):
        rng = np.random.default_rng(label)
        columns = make_columns(N, label=label, seed=label)
        columns["weight"] = np.where(rng.random(N) < 0.1, -1.0, 1.0) * rng.exponential(size=N)
        columns["fat_jets"][:, :, 2] = np.where(columns["fat_jets"][:, :, 0] > 0, 3.1, 0.0)
        paths.append(
            write_image_file(
                folder / f"{sample}.h5",
                images=make_images(N, SHAPE, seed=label),
                columns=columns,
                sample=sample,
                label=label,
                sum_of_weights=300.0,
                fat_jet_radius=1.0,
            )
        )
    write_file_list(folder / "images.tsv", paths)
    collection = ImageCollection(paths)
    test = _test_events(collection, models)
    write_score_table(folder / "test_events.h5", test)
    summary = summarize(collection, test, POINTS, models=list(models))
    samples = summarize_samples(collection, luminosity_fb=10.0, signal_region=REGION)
    write_json(folder / "summary.json", summary.to_json())
    write_json(folder / "samples.json", samples.to_json())
    return explore.ExploreFiles(
        *(
            folder / name
            for name in ("images.tsv", "test_events.h5", "summary.json", "samples.json")
        )
    )


def _test_events(collection: ImageCollection, models: tuple[str, ...]) -> dict[str, np.ndarray]:
    rows = np.flatnonzero(collection.column("split") == SPLITS.index("test"))
    rng = np.random.default_rng(5)
    names = ("event_number", "label", "split", "n_fat_jets", "mj_sum", "delta_eta_12", "ht")
    table = {name: collection.column(name)[rows] for name in (*names, "fat_jets")}
    outputs = np.clip(rng.normal(0.4 + 0.2 * table["label"], 0.15), 0.01, 0.99)
    table |= {
        "sample": collection.sample_names()[rows],
        "weight": collection.event_weights(10.0)[rows],
        "signal_region": table["mj_sum"] > 250,
        "cnn": logit(outputs),
    }
    noise = {name: rng.normal(size=len(rows)) for name in ("cnn+jets", *models)}
    return table | {name: table["cnn"] + one for name, one in noise.items()}


def options_of_search(**changes: object) -> ExploreOptions:
    """Choices of the page of a search."""
    values = {
        "is_search": True,
        "title": "CNNs against cuts",
        "class_titles": {"background": "QCD multijets", "signal": "RPV gluinos"},
        "class_colors": {},
        "sample_titles": {"rpv": "RPV gluinos", "qcd": "QCD multijets"},
        "variables": {
            "mj_sum": "Summed jet mass [GeV]",
            "ht": "HT [GeV]",
            "n_fat_jets": "Fat jets",
        },
        "n_gallery": 100,
        "seed": 1,
        "luminosity_fb": 10.0,
        "background_uncertainty": 0.2,
        "least_n_eff": 2.0,
        "axis": "efficiency",
        "report": "report.html",
    }
    return ExploreOptions(**(values | changes))


def content_of(page: Path) -> dict:
    """JSON in a page."""
    text = page.read_text().split('<script type="application/json" id="content">')[1]
    return json.loads(text.split("</script>")[0])
