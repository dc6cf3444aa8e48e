"""Keys of whole events: their number, their weight, counters and the cross-section."""

import re
from collections.abc import Iterable, Mapping, Sequence

import awkward as ak
import numpy as np

from calovision.ntuples.branch_listing import shapes_in
from calovision.ntuples.content import FileContent
from calovision.ntuples.root_file import find_tree
from calovision.ntuples.shapes import Shape
from calovision.ntuples.suggestions.formulas import Line, branch
from calovision.ntuples.suggestions.quantities import words_of
from calovision.ntuples.suggestions.writing import line_text

MOST_COUNTERS = 10_000  # entries of a tree that counts generated events

# Regular expressions of the words of a name without separators, the likeliest first.
_EVENT_NUMBERS = tuple(
    map(
        re.compile,
        (
            r"(event|evt)(number|num|no|id|nr)?",
            r".*event(number|id)",
            r"i?(event|evt|ev)",
        ),
    )
)
_WEIGHTS = tuple(
    map(
        re.compile,
        (
            r"(mc|gen|generator|genevent|mcevent)(weights?|wgts?)",
            r"(total)?(event|evt)?(weights?|wgts?)(mc|gen|nominal)?|w",
            r".*(eventheader|event|mcevent)(weights?|wgts?)",
            r"(pu|pileup|lumi|btag|sf|scalefactor).*(weights?|wgts?)|.*(scalefactor|(?<!g)sf)",
        ),
    )
)
_NO_NUMBERS = re.compile(r"mc.*|.*(truth|gen|hlt|trig).*")
_CROSS_SECTION = re.compile(r"(gen)?(crosssection|xs(ec)?)(pb)?")
_COUNTED = re.compile(
    r".*(event|evt)_?counts?_?|n_?(gen|total|events?|processed|initial)(_?events?)?|num_?events?",
    re.IGNORECASE,
)
_SUMMED = re.compile(r"(gen_?)?(event_?)?sum_?(of_?)?(gen_?)?w(eights?)?_?", re.IGNORECASE)
_WEIGHTED = re.compile(r"sum_?(of_?)?w|weight|wgt", re.IGNORECASE)
_COUNTER_HISTOGRAM = re.compile(r"cut.?flow|count|n_?gen|n_?events?|sum.?w|total", re.IGNORECASE)


def scalar_branches(shapes: Mapping[str, Shape]) -> list[str]:
    """Branches that could be a number, a weight or the cross-section of the event, by names."""
    return [
        name
        for name, shape in shapes.items()
        if shape.is_number
        and shape.lists <= 1
        and not shape.array
        and min(_rank(name, _EVENT_NUMBERS), _rank(name, _WEIGHTS), _rank(name, (_CROSS_SECTION,)))
        < _NONE
    ]


_NONE = 99  # rank of a name that matches nothing


def _rank(name: str, patterns: Sequence[re.Pattern[str]]) -> int:
    """Number of the first pattern that a name matches."""
    bare = "".join(words_of(name))
    matches = (number for number, pattern in enumerate(patterns) if pattern.fullmatch(bare))
    return next(matches, _NONE)


def event_lines(
    shapes: Mapping[str, Shape], arrays: Mapping[str, ak.Array | str], n_entries: int
) -> list[tuple[Line, bool]]:
    """Lines of the event number, weight and cross-section; with False, for a comment alone.

    Parameters
    ----------
    shapes
        Branch -> shape.
    arrays
        First entries of `scalar_branches`, or the reason why one cannot be read.
    n_entries
        How many they are.
    """
    readable = {name: values for name, values in arrays.items() if not isinstance(values, str)}
    numbers = _event_numbers(shapes, readable)
    weights = _weights(shapes, readable)
    lines = [(Line("event_number", *numbers[0]), True)] if numbers else []
    if weights:
        others = ", ".join(text for text, _ in weights[1:4])
        note = f"; other weights: {others}" if others else ""
        lines.append((Line("weight", weights[0][0], weights[0][1] + note), True))
    for name, values in readable.items():
        is_section = _rank(name, (_CROSS_SECTION,)) < _NONE
        if is_section and shapes[name].lists == 0 and n_entries:
            comment = f"{float(values[0]):.4g} in the first entry; is it in pb?"
            lines.append((Line("cross_section_pb", branch(name), comment), False))
    return lines


def _event_numbers(
    shapes: Mapping[str, Shape], arrays: Mapping[str, ak.Array]
) -> list[tuple[str, str]]:
    """Whole numbers, one an event, that differ from event to event; the likeliest name first."""
    found = []
    for name in _by_rank(arrays, _EVENT_NUMBERS):
        values = _one_an_event(arrays[name], shapes[name])
        if _NO_NUMBERS.fullmatch("".join(words_of(name))):
            continue
        if shapes[name].is_whole and values is not None and len(np.unique(values)) == len(values):
            found.append((_first(name, shapes[name]), ""))
    return found


def _weights(shapes: Mapping[str, Shape], arrays: Mapping[str, ak.Array]) -> list[tuple[str, str]]:
    """Weights whose values are finite and not all 0, with a comment."""
    found = []
    for name in _by_rank(arrays, _WEIGHTS):
        values = _one_an_event(arrays[name], shapes[name])
        if shapes[name].is_whole or values is None:
            continue
        if not len(values) or (np.all(np.isfinite(values)) and np.any(values != 0)):
            is_several = shapes[name].lists and ak.max(ak.num(arrays[name]), initial=0) > 1
            of_several = ", the first of several" if is_several else ""
            example = f"{values[0]:.4g} in the first entry" if len(values) else ""
            found.append((_first(name, shapes[name]), example + of_several))
    return found


def _by_rank(names: Iterable[str], patterns: Sequence[re.Pattern[str]]) -> list[str]:
    """Names that match a pattern, the likeliest first."""
    found = [name for name in names if _rank(name, patterns) < _NONE]
    return sorted(found, key=lambda name: (_rank(name, patterns), len(name)))


def _one_an_event(values: ak.Array, shape: Shape) -> np.ndarray | None:
    """One value an event, the first of lists; None if an event has none."""
    if shape.lists == 0:
        return ak.to_numpy(values)
    return None if ak.any(ak.num(values) == 0) else ak.to_numpy(values[:, 0])


def _first(name: str, shape: Shape) -> str:
    return f"{branch(name)}[0]" if shape.lists else branch(name)


def candidate_weight_lines(shapes: Mapping[str, Shape], names: Iterable[str]) -> list[str]:
    """Comments on weights of candidates that have these branches, as those of PUPPI."""
    stems = {name.rpartition("_")[0] for name in names} - {""}
    found = [
        name
        for name in shapes
        if "puppi" in name.lower() and "weight" in name.lower() and name.rpartition("_")[0] in stems
    ]
    comment = "multiplies the momenta, if they lack it"
    return [f"# {line_text(Line('candidate_weight', branch(name), comment))}" for name in found]


def friend_lines(content: FileContent, tree: str) -> list[str]:
    """Comment on other trees with as many entries, which could be joined to the tree."""
    trees = {
        name: int(find_tree(content.file, name, content.path).num_entries)
        for name in content.trees
        if content.has_tree(name)
    }
    others = [name for name, number in trees.items() if name != tree and number == trees[tree] > 1]
    line = Line("friends", others, "trees with as many entries; are they of the same events?")
    return [f"# {line_text(line)}"] if others else []


def counter_lines(content: FileContent, tree: str) -> list[str]:
    """Comments on what may count the generated events: histograms, and branches of other trees."""
    lines = []
    for name, kind in content.file.classnames(cycle=False).items():
        if kind.startswith("TH1") and _COUNTER_HISTOGRAM.search(name):
            value = float(content.file[name].values()[0])
            key = "sum_of_weights" if _WEIGHTED.search(name) else "n_generated"
            lines.append(line_text(Line(key, f"{name}[1]", f"{value:.8g} in its first bin")))
        elif name in content.trees and name != tree:
            lines += _of_tree(content, name)
    return [f"# {line}" for line in lines]


def _of_tree(content: FileContent, tree: str) -> list[str]:
    """Branches of a tree of few entries that look like counters."""
    if int(find_tree(content.file, tree, content.path).num_entries) > MOST_COUNTERS:
        return []
    return [
        line_text(Line(key, f"{tree}/{name}"))
        for name, shape in shapes_in(content, tree).items()
        if shape.is_number and not shape.lists and not shape.array
        for key, pattern in (("n_generated", _COUNTED), ("sum_of_weights", _SUMMED))
        if pattern.fullmatch(name)
    ]
