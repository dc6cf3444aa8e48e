"""Gallery of the page to explore, as plain values."""

from typing import Any

import numpy as np

from calovision.core.titles import in_words
from calovision.evaluation.explore.gallery import (
    ChosenRows,
    choose_rows,
    find_rows,
    within_cells,
)
from calovision.evaluation.explore.subject import Subject
from calovision.report.explore.page import numbers
from calovision.stages.explore_images import pack_images
from calovision.stages.explore_options import ExploreOptions
from calovision.stages.figures.events import channel_titles
from calovision.storage import ImageCollection

MOST_CELLS = 1_200_000
"""Cells of all images of the gallery: about 6 MB of the page."""


def gallery_of(
    subject: Subject, collection: ImageCollection, options: ExploreOptions
) -> dict[str, Any] | None:
    """Rows with their images, scores and variables."""
    table = subject.table
    if not options.n_gallery:
        return None
    first = next(iter(subject.questions[0].scores.values()))
    chosen = choose_rows(subject.labels, first, options.n_gallery, seed=options.seed)
    stored = find_rows(collection, table)
    chosen = within_cells(collection.row_lengths(stored[chosen.rows]), chosen, MOST_CELLS)
    images = pack_images(collection.sparse(stored[chosen.rows]))
    info, grid = collection.metadata, collection.metadata.grid
    rows = chosen.rows
    return {
        "n_tested": len(subject.labels),
        "seed": options.seed,
        "images": {
            "shape": list(info.image_shape),
            "channels": [in_words(one) for one in channel_titles(collection)],
            "eta": numbers(grid.edges_in_eta),
            "phi": numbers(grid.edges_in_phi),
            "radius": info.fat_jet_radius,
            **{name: value for name, value in vars(images).items() if name != "scales"},
            "scales": images.scales.tolist(),
        },
        "class": subject.labels[rows].tolist(),
        "is_extreme": chosen.is_extreme.tolist(),
        "sample": [_sample_title(one, options) for one in table["sample"][rows]],
        "number": [str(one) for one in table["event_number"][rows]],
        "jet_index": table["jet_index"][rows].tolist() if "jet_index" in table else None,
        "weight": numbers(table["weight"][rows]),
        "decisions": [
            [numbers(one[rows]) for one in question.scores.values()]
            for question in subject.questions
        ],
        "scores": _score_columns(subject, chosen, options),
        "variables": _variable_columns(subject, chosen, options),
        "jets": _jets(collection, stored[rows]),
    }


def _jets(collection: ImageCollection, indices: np.ndarray) -> list[Any] | None:
    """pT, eta, phi and mass of the fat jets of events; None of jets, and where a file lacks any."""
    has_jets = all("fat_jets" in file.events for file in collection.files)
    if collection.metadata.kind == "jet" or not has_jets:
        return None
    return numbers(collection.column("fat_jets")[indices])


def _sample_title(sample: Any, options: ExploreOptions) -> str:
    return in_words(options.sample_titles.get(str(sample), str(sample)))


def _score_columns(
    subject: Subject, chosen: ChosenRows, options: ExploreOptions
) -> list[dict[str, Any]]:
    found = []
    for (name, of_class), values in subject.scores.items():
        title = options.classifier_title(name)
        if of_class is not None:
            title = f"{title}: P({in_words(options.class_titles[of_class])})"
        is_logit = of_class is None and not options.is_variable(name)
        found.append({"title": title, "is_logit": is_logit, "values": numbers(values[chosen.rows])})
    return found


def _variable_columns(
    subject: Subject, chosen: ChosenRows, options: ExploreOptions
) -> list[dict[str, Any]]:
    """Variables with one number a row, and a title."""
    return [
        {"title": in_words(title), "values": numbers(subject.table[name][chosen.rows])}
        for name, title in options.variables.items()
        if name in subject.table and _is_plain(subject.table[name])
    ]


def _is_plain(values: np.ndarray) -> bool:
    return values.ndim == 1 and values.dtype.kind in "biuf"
