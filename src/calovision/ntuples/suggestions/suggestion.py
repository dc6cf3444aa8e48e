"""Starter schema of a file, by the names, types and first values of its branches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from calovision.core.errors import InputError
from calovision.ntuples.content import FileContent
from calovision.ntuples.detection import describe
from calovision.ntuples.paths import locate
from calovision.ntuples.root_file import opened
from calovision.ntuples.suggestions.choices import Choice, Chooser
from calovision.ntuples.suggestions.event_keys import (
    candidate_weight_lines,
    counter_lines,
    event_lines,
    friend_lines,
    scalar_branches,
)
from calovision.ntuples.suggestions.jet_links import find_links, index_branches
from calovision.ntuples.suggestions.measurements import Measured, measure
from calovision.ntuples.suggestions.reasons import why_nothing, without_trees
from calovision.ntuples.suggestions.roles import Role
from calovision.ntuples.suggestions.schema_text import EventKeys, schema_text, with_result
from calovision.ntuples.suggestions.trees import OF_DETECTOR, ScannedTree, best_tree
from calovision.ntuples.suggestions.trial import Trial, try_schema
from calovision.ntuples.suggestions.writing import line_text


@dataclass(frozen=True)
class Suggestion:
    """Starter schema of a file.

    Attributes
    ----------
    text
        YAML; None if nothing fits.
    reasons
        Sentences on what does not fit, and why.
    trial
        What the first events gave with it; None without a schema.
    known
        Schemas of the package that fit the file, so that it needs no other.
    """

    text: str | None
    reasons: tuple[str, ...] = ()
    trial: Trial | None = None
    known: tuple[str, ...] = ()


def suggest_schema(path: Path | str, *, tree: str | None = None) -> Suggestion:
    """Suggest a schema for a file.

    Parameters
    ----------
    path
        A ROOT file, or its address.
    tree
        Its tree of events; None for the one with most of what can be imaged.

    Raises
    ------
    InputError
        If the file cannot be read, or has no such tree.
    """
    place, tree = locate(path, tree)
    with opened(place) as file:
        content = FileContent(file, place)
        best = best_tree(content, tree)
        if best is None:
            return Suggestion(None, (without_trees(content),))
        measured, broken = _measure(best)
        indices = best.first_entries(index_branches(best.shapes))
        chooser = Chooser(measured, find_links(measured, indices))
        keys = _event_keys(content, best)
        missing = describe(file, place, tree=tree).missing
    known = tuple(name for name, lacks in missing.items() if not lacks)
    return replace(_tried(place, best, chooser, keys, broken), known=known)


def _measure(tree: ScannedTree) -> tuple[list[Measured], list[str]]:
    """Measured groups of the detector, and sentences on those that cannot be used."""
    groups = [one for one in tree.groups if one.role in OF_DETECTOR]
    arrays = tree.first_entries(sorted({name for one in groups for name in one.read_names}))
    measured, broken = [], []
    for group in groups:
        found = measure(group, arrays)
        if found is None:
            broken.append(f"{group.label}: its lists differ in length, or cannot be read")
        elif found.is_dark:
            broken.append(f"{group.label}: all energies are 0")
        else:
            broken += [f"{name} cannot be read: {why}" for name, why in found.problems.items()]
            measured.append(found)
    return measured, broken


def _event_keys(content: FileContent, tree: ScannedTree) -> EventKeys:
    """Lines of the event number and the weight, and comments on counters."""
    arrays = tree.first_entries(scalar_branches(tree.shapes))
    lines = [
        line_text(line) if is_key else f"# {line_text(line)}"
        for line, is_key in event_lines(tree.shapes, arrays, tree.n_entries)
    ]
    names = [name for one in tree.groups if one.role is Role.CANDIDATE for name in one.names]
    lines += candidate_weight_lines(tree.shapes, names)
    lines += friend_lines(content, tree.name)
    return EventKeys(lines, counter_lines(content, tree.name))


def _tried(
    path: Path | str,
    tree: ScannedTree,
    chooser: Chooser,
    keys: EventKeys,
    broken: Sequence[str],
) -> Suggestion:
    """Suggestion whose schema works: a link that fails gives way to the next, a collection that
    fails is left out, with the reason.
    """
    reasons = list(broken)
    choices = chooser.choose()
    while choices := _possible(choices):
        text = schema_text(path, tree, choices, keys, reasons)
        try:
            trial = try_schema(path, text)
        except InputError as error:
            culprit, why = _culprit(path, tree, choices, keys, error)
            reasons.append(f"{culprit.key} of {culprit.label}: {why}")
            left = [one for one in choices if one is not culprit]
            if culprit.key == "constituents":
                chooser = replace(chooser, links=chooser.links[1:])
                kept = {one.key for one in choices}
                left = [one for one in chooser.choose() if one.key in kept]
            choices = left
            continue
        return Suggestion(with_result(text, trial), tuple(reasons), trial)
    return Suggestion(None, tuple(why_nothing(tree, reasons)))


def _culprit(
    path: Path | str,
    tree: ScannedTree,
    choices: Sequence[Choice],
    keys: EventKeys,
    error: InputError,
) -> tuple[Choice, str]:
    """The collection without which the others work, the last one if it is not clear."""
    for choice in reversed(choices):
        rest = _possible([one for one in choices if one is not choice])
        if not rest:
            continue
        try:
            try_schema(path, schema_text(path, tree, rest, keys, ()))
        except InputError:
            continue
        return choice, str(error)
    return choices[-1], str(error)


def _possible(choices: Sequence[Choice]) -> list[Choice]:
    """Choices that are a schema: constituents need jets, and jets alone are none."""
    keys = {one.key for one in choices}
    if "jets" not in keys:
        choices = [one for one in choices if one.key != "constituents"]
    return list(choices) if {one.key for one in choices} - {"jets"} else []
