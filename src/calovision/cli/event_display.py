"""One event of an ntuple on the terminal or as a picture, and what its first events hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import awkward as ak
import numpy as np

from calovision.cli.display import print_plane, write_png
from calovision.cli.summary import columns, show
from calovision.core.errors import InputError
from calovision.images import CHANNELS, build_images
from calovision.images.channels import needed_fields
from calovision.images.grid import EtaPhiGrid
from calovision.ntuples import Events, Ntuple, NtupleInfo

GRID = EtaPhiGrid(64, 64)
ENOUGH = 100  # entries that are looked at
MOST = 5000  # entries that are searched for one with content
# Channels of the display, by what they are made of: the first ones that are filled.
DISPLAYED = (
    ("towers", ("em_et", "had_et")),
    ("towers", ("et",)),
    ("candidates", ("charged_pt", "neutral_pt")),
    ("tracks", ("track_pt",)),
    ("constituents", ("track_pt",)),
)


@dataclass
class Content:
    """Content of the first events in the channels of a display.

    Attributes
    ----------
    collection, channels
        What is displayed.
    inside, outside
        Sums over the channels, inside and outside of the grid.
    first
        The first entry with something inside; None if none was found.
    """

    collection: str
    channels: tuple[str, ...]
    inside: float = 0.0
    outside: float = 0.0
    first: int | None = None

    @property
    def name(self) -> str:
        """Names of the channels, for titles."""
        if self.collection == "constituents":
            return "pT of the constituents of jets"
        return " + ".join(self.channels)

    def add(self, events: Events, start: int) -> None:
        """Add a chunk of events that begins at the entry ``start``."""
        images, overflow = build_images_of(events, self.collection, self.channels)
        sums = images.sum(axis=(1, 2, 3))
        self.inside += float(sums.sum())
        self.outside += float(overflow.sum())
        if self.first is None and len(filled := np.flatnonzero(sums > 0)):
            self.first = start + int(filled[0])


@dataclass
class FirstEvents:
    """Content of the first events of an ntuple.

    Attributes
    ----------
    n_events
        Events that were looked at.
    counts
        Collection -> objects in them; constituents of all jets, if they can be read.
    contents
        Content of what could be displayed, in the order of `DISPLAYED`.
    """

    n_events: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    contents: list[Content] = field(default_factory=list)

    @property
    def displayed(self) -> Content | None:
        """Content to display: the first that is filled; None if there is none."""
        filled = [one for one in self.contents if one.first is not None]
        return next(iter([*filled, *self.contents]), None)


def displayable(collections: Mapping[str, Sequence[str]]) -> list[Content]:
    """Contents of a file that could be displayed, by its collections and their fields."""
    found = [
        Content(name, channels)
        for name, channels in DISPLAYED
        if name in collections
        and (name == "constituents" or needed_fields(channels)[name] <= set(collections[name]))
    ]
    names = [one.collection for one in found]
    return [one for number, one in enumerate(found) if one.collection not in names[:number]]


def fitting_channels(collections: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Channels of images of events that a file can fill; none where only jets have an image.

    Parameters
    ----------
    collections
        Collections of the file, and their fields.
    """
    found = displayable(collections)
    if not found or found[0].collection == "constituents":
        return ()
    first = found[0]
    has_tracks = first.collection == "towers" and "tracks" in collections
    return (*first.channels, *(["tracks"] if has_tracks else []))


def look_at_first(ntuple: Ntuple) -> FirstEvents:
    """Look at the first events, and on until one has content in the display; without constituents
    that cannot be read.
    """
    fields = _fields(ntuple.info)
    try:
        return _look_at_first(ntuple, fields)
    except InputError:
        if fields.pop("constituents", None) is None:
            raise
        return _look_at_first(ntuple, fields)


def _look_at_first(ntuple: Ntuple, fields: Mapping[str, set[str]]) -> FirstEvents:
    found = FirstEvents(counts=dict.fromkeys(fields, 0))
    has = {name: of for name, of in ntuple.info.collections.items() if name in fields}
    found.contents = displayable(has)
    for events in ntuple.iterate(fields, chunk_size=ENOUGH, entry_range=(0, MOST)):
        for name in found.counts:
            values = getattr(events, name)
            found.counts[name] += int(ak.count(values[values.fields[0]], axis=None))
        for content in found.contents:
            content.add(events, found.n_events)
        found.n_events += len(events.weight)
        if not found.contents or any(one.first is not None for one in found.contents):
            break
    return found


def _fields(info: NtupleInfo) -> dict[str, set[str]]:
    """All fields of all collections."""
    return {name: set(fields) for name, fields in info.collections.items()}


def read_event(ntuple: Ntuple, number: int, fields: Mapping[str, set[str]]) -> Events:
    """One event, as a chunk of its own; InputError if there is no such entry."""
    n_entries = ntuple.info.n_entries
    if number >= n_entries:
        raise InputError(
            f"{ntuple.path} has {n_entries} entries: --event must be below that, not {number}"
        )
    return next(ntuple.iterate(fields, entry_range=(number, number + 1)))


def display_event(ntuple: Ntuple, first: FirstEvents, number: int | None, png: Path | None) -> None:
    """Display an entry, on the terminal or as a picture.

    Parameters
    ----------
    ntuple, first
        The open file, and what its first events hold.
    number
        The entry; None for the first with content.
    png
        Where to draw it; None for the terminal.
    """
    content = first.displayed
    if content is None:
        show("", "No towers, candidates, tracks or constituents to display.")
        return
    chosen = number if number is not None else content.first or 0
    fields = {name: of for name, of in _fields(ntuple.info).items() if name in first.counts}
    event = read_event(ntuple, chosen, fields)
    title = f"entry {chosen}, event {event.event_number[0]}"
    is_empty = not build_images_of(event, content.collection, content.channels)[0].any()
    if is_empty:
        show("", _why_empty(chosen, content, first))
        if number is None:
            return
    elif number is None and chosen > 0:
        show("", f"Entry {chosen} is the first with content inside of the image.")
    if png is None:
        _print_event(event, content, title)
    else:
        name = f"{ntuple.path}".rpartition("/")[2]
        _draw_event(event, content, f"{name}, {title}", png, ntuple.info.fat_jet_radius)


def _why_empty(number: int, content: Content, first: FirstEvents) -> str:
    """Sentence on an entry, or on all, without content."""
    low, high = GRID.eta_range
    if content.first is not None:
        return (
            f"Entry {number} has nothing inside eta {low:g} to {high:g}; entry {content.first} has "
            f"(--event {content.first})."
        )
    n_objects = first.counts[content.collection]
    why = f"there are no {content.collection} in them"
    if n_objects:
        why = f"their {n_objects} {content.collection} lie outside, or have no energy"
    return f"The first {first.n_events} entries have nothing inside eta {low:g} to {high:g}: {why}."


def _print_event(event: Events, content: Content, title: str) -> None:
    """Sum of the channels on the terminal, and the jets of the file."""
    image = build_images_of(event, content.collection, content.channels)[0][0]
    print_plane(image.sum(axis=0), GRID, title=f"{title}: {content.name}", unit="GeV")
    jets = _fat_jets(event)
    if len(jets):
        rows = [[f"{value:.4g}" for value in jet] for jet in jets]
        show(columns(("pT [GeV]", "eta", "phi", "mass [GeV]"), rows, title="fat jets of the file"))


def _draw_event(
    event: Events, content: Content, title: str, png: Path, radius: float | None
) -> None:
    """Picture with a panel a channel, the fat jets as circles if their radius is known."""
    from calovision.plotting import plot_event_display  # matplotlib is loaded only to plot

    is_calorimeter = content.collection == "towers" and event.tracks is not None
    channels = (*content.channels, *(("tracks",) if is_calorimeter else ()))
    is_jets = content.collection == "constituents"
    titles = [
        r"constituents $p_\mathrm{T}$ [GeV]" if is_jets else CHANNELS[name].axis_title
        for name in channels
    ]
    image = build_images_of(event, content.collection, channels)[0][0]
    figure = plot_event_display(
        image,
        eta_edges=GRID.edges_in_eta,
        channels=titles,
        fat_jets=_fat_jets(event),
        radius=radius,
        title=title,
    )
    write_png(figure, png)


def build_images_of(
    events: Events, collection: str, channels: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Images ``(n, n_channels, n_eta, n_phi)`` and what is outside of them ``(n, n_channels)``.

    Parameters
    ----------
    events
        The events.
    collection, channels
        What is summed; constituents of all jets take the place of tracks.
    """
    if collection == "constituents":
        events = replace(events, tracks=ak.flatten(events.constituents, axis=2))
    return build_images(
        events.towers, events.tracks, GRID, channels, candidates=events.candidates, compiled=False
    )


def _fat_jets(event: Events) -> np.ndarray:
    """pT, eta, phi, mass of the file's fat jets of one event, ``(n_jets, 4)``."""
    if event.fat_jets is None:
        return np.zeros((0, 4))
    jets = event.fat_jets[0]
    return np.stack([ak.to_numpy(jets[name]) for name in ("pt", "eta", "phi", "mass")], axis=-1)
