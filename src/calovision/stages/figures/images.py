"""Figures of the image files: mean images, single events, the cut flow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from calovision.stages.arguments import Count, Files, Options, not_counted
from calovision.stages.figures.drawing import draw_figures
from calovision.stages.figures.events import EventInputs, channel_titles
from calovision.storage import ImageCollection, read_file_list, read_score_table

EVENT_DISPLAYS = {"event_display_signal": 1, "event_display_background": 0}
"""Figure of single events -> label of the class."""

EXTREMES = {"signal_like_background": (0, -1), "background_like_signal": (1, 1)}
"""Figure of single events -> label of the class, and sign by which the output sorts them."""


@dataclass(frozen=True)
class ImagesOptions(Options):
    """Choices of `plot_images`.

    Attributes
    ----------
    class_names
        Titles of signal (1) and background (0).
    titles
        Titles of the samples.
    luminosity_fb
        Of the weights of the means, 1/fb.
    n_displays
        Number of events of each class.
    """

    class_names: Mapping[int, str]
    titles: Mapping[str, str]
    luminosity_fb: float
    n_displays: int


@dataclass(frozen=True)
class ImagesInputs:
    """Inputs of the figures of ``plot_images`` but those of single events.

    Attributes
    ----------
    mean_images
        Title of a class -> weighted mean image ``(n_channels, n_eta, n_phi)``.
    eta_edges
        Edges of the cells in eta, ``(n_eta + 1,)``.
    channels
        Title of each channel with its unit.
    """

    mean_images: Mapping[str, np.ndarray]
    eta_edges: np.ndarray
    channels: Sequence[str]


def plot_images(
    images: Path, output: Mapping[str, Any], options: ImagesOptions, *, count: Count = not_counted
) -> None:
    """Draw the mean image of each class, and its first events.

    Parameters
    ----------
    images
        List of the image files.
    output
        Files by name, as of `draw_figures`.
    options
        Choices.
    count
        Of the events.

    Raises
    ------
    InputError
        If no event passed the preselection.
    """
    collection = ImageCollection(read_file_list(images))
    collection.require_events()
    count(len(collection))
    labels = collection.column("label")
    weights = collection.event_weights(options.luminosity_fb)
    means = {
        options.class_names[label]: collection.mean_image(labels == label, weights)
        for label in (1, 0)
    }
    inputs = ImagesInputs(
        mean_images=means,
        eta_edges=collection.metadata.grid.edges_in_eta,
        channels=channel_titles(collection),
    )
    events = {
        figure: _first_events(collection, labels == label, options)
        for figure, label in EVENT_DISPLAYS.items()
    }
    draw_figures("plot_images", output, inputs, events=events)


def _first_events(
    collection: ImageCollection, members: np.ndarray, options: ImagesOptions
) -> list[EventInputs]:
    """First events of some, booleans ``(n_events,)``; these over again where they are too few."""
    fat_jets = collection.column("fat_jets")
    numbers = collection.column("event_number")
    samples = collection.sample_names()
    return [
        EventInputs.read(
            collection,
            event,
            fat_jets=fat_jets[event],
            title=f"{options.titles[samples[event]]}, event {numbers[event]}",
        )
        for event in np.resize(np.flatnonzero(members), options.n_displays)
    ]


@dataclass(frozen=True)
class ExtremesFiles(Files):
    """Files that `plot_extreme_events` reads: list of the image files, table of the test events."""

    images: Path
    test_events: Path


@dataclass(frozen=True)
class ExtremesOptions(Options):
    """Choices of `plot_extreme_events`: titles of the samples, number of events of each class."""

    titles: Mapping[str, str]
    n_displays: int


def plot_extreme_events(
    files: ExtremesFiles,
    output: Mapping[str, Any],
    options: ExtremesOptions,
    *,
    count: Count = not_counted,
) -> None:
    """Draw the test events that the first model is most wrong about.

    ``output`` names the files, as of `draw_figures`.
    """
    collection = ImageCollection(read_file_list(files.images))
    test = read_score_table(files.test_events)
    count(len(collection))
    events = {}
    for figure, (label, sign) in EXTREMES.items():
        rows = extreme_rows(test["label"] == label, sign * test["cnn"], options.n_displays)
        events[figure] = _tested_events(collection, test, rows, options.titles)
    draw_figures("plot_extreme_events", output, events=events)


def extreme_rows(members: np.ndarray, keys: np.ndarray, n: int) -> np.ndarray:
    """Rows of the ``n`` members with the smallest keys, ascending, equal ones in their order.

    Parameters
    ----------
    members
        Rows to choose from, booleans ``(n_rows,)``.
    keys
        Numbers ``(n_rows,)``.
    n
        Number of rows; the first ones come again where there are fewer.
    """
    rows = np.flatnonzero(members)
    return np.resize(rows[np.argsort(keys[rows], kind="stable")], n)


def _tested_events(
    collection: ImageCollection,
    test: Mapping[str, np.ndarray],
    rows: np.ndarray,
    titles: Mapping[str, str],
) -> list[EventInputs]:
    """Events of some rows of the table of test events, with their output.

    Of events of a sample with one number, which are all tested or none, the rows stand in the order
    of the files.
    """
    samples = collection.sample_names()
    numbers = collection.column("event_number")
    events = []
    for row in rows:
        sample = test["sample"][row]
        number = test["event_number"][row]
        output = expit(test["cnn"][row])
        same = (test["sample"][:row] == sample) & (test["event_number"][:row] == number)
        event = EventInputs.read(
            collection,
            np.flatnonzero((samples == sample) & (numbers == number))[np.count_nonzero(same)],
            fat_jets=test["fat_jets"][row],
            title=f"{titles[str(sample)]}, event {number}: output {output:.3g}",
        )
        events.append(event)
    return events


@dataclass(frozen=True)
class CutFlowInputs:
    """Inputs of the figures of ``plot_cut_flow``.

    Attributes
    ----------
    cut_flows
        Sample -> cuts in order, as (name, number of events, sum of weights).
    titles
        Titles of the samples.
    jet_cut_flows
        The same as ``cut_flows`` of the jets of jet images; of no sample for images of events.
    first_of_jets
        What the first entry of these is.
    """

    cut_flows: Mapping[str, Sequence[tuple[str, float, float]]]
    titles: Mapping[str, str]
    jet_cut_flows: Mapping[str, Sequence[tuple[str, float, float]]] = field(default_factory=dict)
    first_of_jets: str = "leading jets"


def plot_cut_flow(
    images: Path,
    output: Mapping[str, Any],
    titles: Mapping[str, str],
    *,
    count: Count = not_counted,
) -> None:
    """Draw the share of the generated events after every cut of the preselection.

    Parameters
    ----------
    images
        List of the image files.
    output
        Files by name, as of `draw_figures`.
    titles
        Titles of the samples.
    count
        Of the events.
    """
    collection = ImageCollection(read_file_list(images))
    count(len(collection))
    flows = {sample: collection.cut_flow(sample) for sample in collection.samples}
    of_jets = {sample: collection.jet_cut_flow(sample) for sample in collection.samples}
    of_jets = {sample: flow for sample, flow in of_jets.items() if flow}
    draw_figures("plot_cut_flow", output, CutFlowInputs(flows, titles, of_jets))
