"""Content of a ROOT file on the terminal."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import awkward as ak
import numpy as np
from rich.console import Group, RenderableType

from calovision.cli.display import print_plane, write_png
from calovision.cli.summary import columns, pairs, show
from calovision.core.errors import InputError
from calovision.images import CHANNELS, build_images
from calovision.images.grid import EtaPhiGrid
from calovision.ntuples import (
    ConstituentCheck,
    Events,
    FileDescription,
    Ntuple,
    NtupleInfo,
)

GRID = EtaPhiGrid(64, 64)
SHOWN_NAMES = 6  # of missing branches
# Channels of the display by the collection that it is made of, the first one that the file has.
DISPLAYED = {
    "towers": ("em_et", "had_et"),
    "candidates": ("charged_pt", "neutral_pt"),
    "tracks": ("track_pt",),
}


def inspect_ntuple(
    path: str, *, schema: str | None, tree: str | None, event: int, png: Path | None
) -> None:
    """Print trees, schemas and weights, and display one event."""
    with Ntuple(path, schema=schema, tree=tree) as ntuple:
        description = ntuple.description
        show(
            pairs([("file", str(path)), ("UUID", description.uuid)]),
            *_trees_and_schemas(description),
        )
        if schema is None and description.schema is None:
            fitting = [name for name, missing in description.missing.items() if not missing]
            show(_advice(fitting))
            return
        rows = _weight_rows(ntuple.info, count_negative_weights(ntuple), describe_weights(ntuple))
        show(pairs([*rows, *_constituent_rows(ntuple)]), _collections(ntuple.info))
        if ntuple.info.n_entries:
            display_event(path, ntuple, event, png)


def count_negative_weights(ntuple: Ntuple) -> int:
    """Count the entries with a negative weight."""
    return sum(int(np.sum(events.weight < 0)) for events in ntuple.iterate({}))


def describe_weights(ntuple: Ntuple) -> str:
    """Number of weights of each entry, or the reason why it is not known, in words."""
    n_weights = 1
    try:
        for events in ntuple.iterate({"weight_variations": ()}):
            if events.weight_variations is not None:
                n_weights = events.weight_variations.shape[1]
    except InputError as error:
        return f"not the same number an event ({error})"
    return f"{n_weights} an event"


def read_event(ntuple: Ntuple, number: int, fields: Mapping[str, set[str]]) -> Events:
    """One event, as a chunk of its own; InputError if there is no such entry."""
    n_entries = ntuple.info.n_entries
    if number >= n_entries:
        raise InputError(
            f"{ntuple.path} has {n_entries} entries: --event must be below that, not {number}"
        )
    return next(ntuple.iterate(fields, entry_range=(number, number + 1)))


def display_event(path: str, ntuple: Ntuple, number: int, png: Path | None) -> None:
    """Display the transverse energy of an entry, on the terminal or as a picture."""
    info = ntuple.info
    collection = next((name for name in DISPLAYED if name in info.collections), None)
    if collection is None:
        show("", "No towers, candidates or tracks to display.")
        return
    fields = {
        name: set(info.collections[name])
        for name in (*DISPLAYED, "fat_jets")
        if name in info.collections
    }
    event = read_event(ntuple, number, fields)
    title = f"entry {number}, event {event.event_number[0]}"
    if png is None:
        _print_event(event, DISPLAYED[collection], title)
    else:
        tracks = ("tracks",) if collection == "towers" and event.tracks is not None else ()
        _draw_event(event, (*DISPLAYED[collection], *tracks), f"{Path(path).name}, {title}", png)


def _print_event(event: Events, channels: Sequence[str], title: str) -> None:
    """Sum of the channels on the terminal, and the fat jets."""
    image = _image(event, channels)
    jets = _fat_jets(event)
    print_plane(image.sum(axis=0), GRID, title=f"{title}: {' + '.join(channels)}", unit="GeV")
    if len(jets):
        rows = [[f"{value:.4g}" for value in jet] for jet in jets]
        show(columns(("pT [GeV]", "eta", "phi", "mass [GeV]"), rows, title="fat jets of the file"))


def _draw_event(event: Events, channels: Sequence[str], title: str, png: Path) -> None:
    """Picture with a panel a channel, the fat jets as circles."""
    from calovision.plotting import plot_event_display  # matplotlib is loaded only to plot

    titles = [CHANNELS[name].axis_title for name in channels]
    image, jets = _image(event, channels), _fat_jets(event)
    figure = plot_event_display(
        image, eta_edges=GRID.edges_in_eta, channels=titles, fat_jets=jets, title=title
    )
    write_png(figure, png)


def _image(event: Events, channels: Sequence[str]) -> np.ndarray:
    """``(n_channels, n_eta, n_phi)`` of the one event."""
    images, _ = build_images(
        event.towers, event.tracks, GRID, channels, candidates=event.candidates, compiled=False
    )
    return images[0]


def _fat_jets(event: Events) -> np.ndarray:
    """pT, eta, phi, mass of the file's fat jets of one event, ``(n_jets, 4)``."""
    if event.fat_jets is None:
        return np.zeros((0, 4))
    jets = event.fat_jets[0]
    return np.stack([ak.to_numpy(jets[name]) for name in ("pt", "eta", "phi", "mass")], axis=-1)


def _trees_and_schemas(description: FileDescription) -> tuple:
    """Tables of the trees, and of what is missing for each schema."""
    trees = [
        (
            tree.name,
            tree.kind,
            *("?" if n is None else n for n in (tree.n_entries, tree.n_branches)),
        )
        for tree in description.trees
    ]
    schemas = [
        (name, "no" if missing else "yes", _shortened(missing))
        for name, missing in description.missing.items()
    ]
    return (
        columns(("tree", "kind", "entries", "branches"), trees, title="trees"),
        columns(("schema", "fits", "missing"), schemas, title="schemas"),
    )


def _shortened(missing: tuple[str, ...]) -> str:
    """Names of what is missing, the first few."""
    rest = len(missing) - SHOWN_NAMES
    return ", ".join(missing[:SHOWN_NAMES]) + (f" and {rest} more" if rest > 0 else "")


def _advice(fitting: list[str]) -> str:
    if fitting:
        return f"\nSeveral schemas fit: name one with --schema ({' or '.join(fitting)})."
    return (
        "\nNo schema fits: name the tree with --tree, or describe the file in YAML and give it "
        "with --schema."
    )


def _collections(info: NtupleInfo) -> RenderableType:
    """Table of the collections, their fields and branches, and of what is missing for others; a
    second one of what else they may be made of.
    """
    rows = [
        (name, ", ".join(of), _shortened(_branches(info, name)))
        for name, of in info.collections.items()
    ]
    rows += [(name, "", f"lacks {_shortened(branches)}") for name, branches in info.missing.items()]
    made_of = columns(("collection", "fields", "branches"), rows, title="collections")
    if not info.choices:
        return made_of
    choices = [(key, ", ".join(names)) for key, names in info.choices.items()]
    return Group(made_of, columns(("choose", "of"), choices, title="collections of the file"))


def _branches(info: NtupleInfo, collection: str) -> tuple[str, ...]:
    """Branches of a collection, each once."""
    return tuple(dict.fromkeys(name for of in info.read_from[collection].values() for name in of))


def _candidate_weight(info: NtupleInfo) -> str:
    """Weight by which the momenta of candidates are multiplied, and the reason."""
    chosen = "none" if info.candidate_weight is None else info.candidate_weight
    return f"{chosen} ({info.candidate_weight_reason})"


def _constituent_rows(ntuple: Ntuple) -> list[tuple[str, str]]:
    """Row on the constituents of fat jets: their share of the pT of the jets."""
    if not {"fat_jets", "constituents"} <= set(ntuple.info.collections):
        return []
    check = ConstituentCheck()
    fields = {"fat_jets": {"pt"}, "constituents": {"pt", "phi"}}
    for events in ntuple.iterate(fields):
        check.add(events.fat_jets, events.constituents)
        if check.is_complete:
            break
    return [("constituents", check.describe())]


def _weight_rows(info: NtupleInfo, n_negative: int, weights: str) -> list[tuple[str, str]]:
    share = f"{n_negative / info.n_entries:.2%} of the entries" if info.n_entries else "no entries"
    cross_section = "unknown" if info.cross_section_pb is None else f"{info.cross_section_pb:g} pb"
    return [
        ("", ""),
        ("schema", info.schema),
        ("tree", f"{info.tree}, {info.n_entries} entries"),
        ("generated", f"{info.n_generated} events"),
        ("counted from", info.counted_from),
        *[("doubtful", f"generated events: {doubt}") for doubt in info.count_doubts],
        ("sum of weights", f"{info.sum_of_weights:g}"),
        ("weights", weights),
        ("negative", share),
        *([("candidate weight", _candidate_weight(info))] if info.candidate_weight_reason else []),
        ("cross-section", cross_section),
    ]
