"""Content of a ROOT file on the terminal."""

from pathlib import Path

import numpy as np
from rich.console import Group, RenderableType

from calovision.cli.event_display import GRID, FirstEvents, display_event, look_at_first
from calovision.cli.summary import columns, pairs, show
from calovision.core.errors import InputError
from calovision.ntuples import ConstituentCheck, FileDescription, Ntuple, NtupleInfo

SHOWN_NAMES = 6  # of branches
MOST_TREES = 10  # of which each is tried with the known schemas


def inspect_ntuple(
    path: str, *, schema: str | None, tree: str | None, event: int | None, png: Path | None
) -> None:
    """Print trees, schemas and weights, and display one event."""
    with Ntuple(path, schema=schema, tree=tree) as ntuple:
        description = ntuple.description
        show(
            pairs([("file", str(path)), ("UUID", description.uuid)]),
            *_trees_and_schemas(description),
        )
        if schema is None and description.schema is None:
            _print_ways_on(description, path, tree)
            return
        info = ntuple.info
        rows = _weight_rows(info, *count_weights(ntuple), describe_weights(ntuple))
        first = look_at_first(ntuple)
        show(
            pairs([*rows, *_constituent_rows(ntuple), *_content_rows(first)]),
            _collections(info, first),
            *_notes(info),
        )
        if info.n_entries:
            display_event(ntuple, first, event, png)


def count_weights(ntuple: Ntuple) -> tuple[int, int]:
    """Count the entries with a negative weight, and those with the weight 0."""
    n_negative = 0
    n_zero = 0
    for events in ntuple.iterate({}):
        n_negative += int(np.sum(events.weight < 0))
        n_zero += int(np.sum(events.weight == 0))
    return n_negative, n_zero


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


def _trees_and_schemas(description: FileDescription) -> tuple:
    """Tables of the trees, and of the schemas with what is missing first for each, those that fit
    and those that lack least at the top.
    """
    trees = [
        (
            tree.name,
            tree.kind,
            *("?" if number is None else number for number in (tree.n_entries, tree.n_branches)),
        )
        for tree in description.trees
    ]
    schemas = [
        (name, "no" if missing else "yes", _first_missing(missing, description.nearest.get(name)))
        for name, missing in sorted(description.missing.items(), key=lambda one: len(one[1]))
    ]
    return (
        columns(("tree", "kind", "entries", "branches"), trees, title="trees"),
        columns(("schema", "fits", "missing"), schemas, title="schemas"),
    )


def _first_missing(missing: tuple[str, ...], nearest: str | None) -> str:
    """The first thing that is missing, the nearest name, and the number of others."""
    if not missing:
        return ""
    rest = len(missing) - 1
    near = f" (nearest name: {nearest})" if nearest else ""
    return missing[0] + near + (f" and {rest} more" if rest > 0 else "")


def _shortened(missing: tuple[str, ...]) -> str:
    """Names of what is missing, the first few."""
    rest = len(missing) - SHOWN_NAMES
    return ", ".join(missing[:SHOWN_NAMES]) + (f" and {rest} more" if rest > 0 else "")


def _print_ways_on(description: FileDescription, path: str, tree: str | None) -> None:
    """Say that no schema fits, or several, what the file holds, and what to do."""
    fitting = [name for name, missing in description.missing.items() if not missing]
    if fitting:
        show(f"\nSeveral schemas fit: name one with --schema ({' or '.join(fitting)}).")
        return
    from calovision.ntuples.suggestions.reasons import overview

    try:
        sentences = overview(path, tree=tree)
    except InputError as error:  # there is no way on, as from pre-release RNTuples
        show(f"\nNo schema fits: {error}.")
        return
    of_tree = "" if tree is None else f" --tree {tree}"
    known = _fitting_by_tree(description, path) if tree is None else {}
    show(
        "\nNo schema fits: " + "; ".join(sentences) + ".",
        "\nWays on:",
        pairs(
            [
                *[
                    (f"calovision inspect {path} --tree {name}", f"reads it as {schema}")
                    for name, schema in known.items()
                ],
                (
                    f"calovision inspect {path}{of_tree} --suggest my.yaml",
                    "writes a starter schema",
                ),
                (f'calovision inspect {path}{of_tree} --branches "*eta*"', "lists branches"),
            ]
        ),
    )


def _fitting_by_tree(description: FileDescription, path: str) -> dict[str, str]:
    """Tree -> the schema that it fits under a name of its own, as in skims of known files."""
    found = {}
    for tree in description.trees[:MOST_TREES]:
        with Ntuple(path, tree=tree.name) as ntuple:
            schema = ntuple.description.schema
        if schema is not None:
            found[tree.name] = schema
    return found


def _collections(info: NtupleInfo, first: FirstEvents) -> RenderableType:
    """Collections with their objects an event, their fields, and below these the branches; what is
    missing for others; what else they may be made of.
    """
    rows = []
    for name, of in info.collections.items():
        is_known = first.n_events and name in first.counts
        number = f"{first.counts[name] / first.n_events:.3g}" if is_known else "-"
        rows += [(name, number, ", ".join(of)), ("", "", _shortened(_branches(info, name)))]
    rows += [(name, "-", f"lacks {_shortened(lacks)}") for name, lacks in info.missing.items()]
    header = ("collection", "an event", "fields, branches")
    tables = [columns(header, rows, title="collections")]
    if info.choices:
        choices = [(key, ", ".join(names)) for key, names in info.choices.items()]
        tables.append(columns(("choose", "of"), choices, title="collections of the file"))
    return Group(*tables)


def _content_rows(first: FirstEvents) -> list[tuple[str, str]]:
    """Row on the share of what is displayed that lies outside of the image."""
    content = first.displayed
    if content is None or not content.inside + content.outside:
        return []
    share = content.outside / (content.inside + content.outside)
    low, high = GRID.eta_range
    return [
        (
            "outside",
            f"{share:.2%} of {content.name} is outside eta {low:g} to {high:g}, in the first "
            f"{first.n_events} entries",
        )
    ]


def _notes(info: NtupleInfo) -> list[str]:
    """Sentences of the schema on what the images are made of, and one on missing checksums."""
    notes = list(info.notes)
    if info.without_checksums:
        notes.append(
            f"{len(info.without_checksums)} of {info.n_branches} branches that are read have no "
            f"checksums (stored plain, or by Zstandard), {_shortened(info.without_checksums)}: a "
            "flipped bit in them is another number; compare the file's own checksum after a copy"
        )
    return ["", *(f"Note: {note}." for note in notes)] if notes else []


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
    try:
        for events in ntuple.iterate(fields):
            check.add(events.fat_jets, events.constituents)
            if check.is_complete:
                break
    except InputError as error:  # images of events can be made all the same
        return [("constituents", f"cannot be read: {error}")]
    return [("constituents", check.describe())]


def _weight_rows(
    info: NtupleInfo, n_negative: int, n_zero: int, weights: str
) -> list[tuple[str, str]]:
    share = f"{n_negative / info.n_entries:.2%} of the entries" if info.n_entries else "no entries"
    all_zero = info.n_entries > 0 and n_zero == info.n_entries
    cross_section = "unknown" if info.cross_section_pb is None else f"{info.cross_section_pb:g} pb"
    return [
        ("", ""),
        ("schema", info.schema),
        ("tree", f"{info.tree}, {info.n_entries} entries"),
        ("generated", f"{info.n_generated} events"),
        ("counted from", info.counted_from),
        *[("doubtful", f"generated events: {doubt}") for doubt in info.count_doubts],
        *([("doubtful", "weights: all of them are 0")] if all_zero else []),
        ("sum of weights", f"{info.sum_of_weights:g}"),
        ("weights", weights),
        ("negative", share),
        *([("candidate weight", _candidate_weight(info))] if info.candidate_weight_reason else []),
        ("cross-section", cross_section),
    ]
