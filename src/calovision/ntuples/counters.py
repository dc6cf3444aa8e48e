"""Counters of generated events and of the sum of their weights."""

import logging
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from calovision.core.errors import InputError
from calovision.ntuples.chunks import read_chunks
from calovision.ntuples.root_file import (
    find_tree,
    has_tree,
    tree_kinds,
)
from calovision.ntuples.schemas.schema import TreeSchema

logger = logging.getLogger(__name__)

SHOWN_BRANCHES = 6  # of a tree that looks like a counter
_LOOKS_LIKE_COUNTER = re.compile(
    r"(^|/)runs?$|cut.?flow|book.?keep|sum.?(of.?)?w|gen.?(event|weight)|n.?gen|n.?(total|event)s?$|count|norm",
    re.IGNORECASE,
)
_BIN = re.compile(r"(?P<name>.+)\[(?P<bin>\d+)\]")


def read_counter(
    file: uproot.ReadOnlyDirectory, counter: float | str, path: Path | str, what: str
) -> float:
    """Value of a counter.

    Parameters
    ----------
    file
        An open ROOT file.
    counter
        The number itself, or the path of an object in the file: a histogram, whose bin contents are
        added up without underflow and overflow (with a warning if these are filled, or if it looks
        like a cut flow, whose first bin would be right); ``histogram[i]`` is the bin i alone, where
        1 is the first bin as in ROOT; a TParameter; a branch, whose entries are added up.
    path
        For the sentences of errors.
    what
        What is counted, for the same.

    Returns
    -------
    The value.

    Raises
    ------
    InputError
        If there is no such object, or it is of another kind; if the value is not finite.

    Examples
    --------
    ``"cutflow/total[1]"``, ``"n_events"``, ``"Runs/genEventCount"``.
    """
    value = _value(file, counter, path, what) if isinstance(counter, str) else float(counter)
    if not math.isfinite(value):
        raise InputError(f"{path}: {what} is {value}; it must be a finite number")
    return value


def _value(file: uproot.ReadOnlyDirectory, name: str, path: Path | str, what: str) -> float:
    bin_number = None
    if match := _BIN.fullmatch(name):
        name = match["name"]
        bin_number = int(match["bin"])
    owner, _, branch = name.rpartition("/")
    if owner in tree_kinds(file):
        return _sum_of_branch(file, owner, branch, path, what)
    try:
        counted = file[name]
    except uproot.KeyInFileError:
        known = ", ".join(map(repr, file.keys(cycle=False))) or "nothing"
        raise InputError(
            f"{path} has no object {name!r}, which {what} is read from (it has: {known}); give the "
            "path of a histogram"
        ) from None
    if not isinstance(counted, uproot.behaviors.TH1.Histogram):
        return _parameter(counted, name, path, what)
    contents = counted.values(flow=True)
    if bin_number is None:
        _warn_of_bins(counted.values(), contents, name, path, what)
        return float(counted.values().sum())
    if not 0 <= bin_number < len(contents):
        raise InputError(
            f"{path}: the histogram {name!r} has bins up to {len(contents) - 2}, not {bin_number}"
        )
    return float(contents.ravel()[bin_number])


def _warn_of_bins(
    inside: np.ndarray, contents: np.ndarray, name: str, path: Path | str, what: str
) -> None:
    """Warn of what the sum of the bins of a counter leaves out, and of bins that count the same
    events again.
    """
    beyond = float(contents.sum() - inside.sum())
    if beyond != 0:
        logger.warning(
            "%s: the histogram %r has %g in underflow and overflow, which %s leaves out; name the "
            "bin, as %s[1], if it "
            "should count",
            path,
            name,
            beyond,
            what,
            name,
        )
    filled = inside[inside != 0]
    if inside.ndim == 1 and len(filled) > 1 and np.all(np.diff(inside) <= 0) and inside[0] > 0:
        logger.warning(
            "%s: the histogram %r, whose bins %s adds up to %g, looks like a cut flow; %s[1] is "
            "its first bin, %g",
            path,
            name,
            what,
            inside.sum(),
            name,
            inside[0],
        )


def _parameter(counted: object, name: str, path: Path | str, what: str) -> float:
    """Value of a TParameter."""
    if "fVal" not in getattr(counted, "all_members", {}):
        kind = getattr(counted, "classname", type(counted).__name__)
        raise InputError(
            f"{path}: {what} is read from {name!r}, a {kind}; it must be a histogram or a "
            "TParameter"
        )
    return float(counted.member("fVal"))


def _sum_of_branch(
    file: uproot.ReadOnlyDirectory, tree: str, branch: str, path: Path | str, what: str
) -> float:
    found = find_tree(file, tree, path)
    if branch not in found.names:
        raise InputError(
            f"{path}: the tree {tree!r} lacks {branch}, which {what} is read from; give another "
            "branch"
        )
    chunks = read_chunks(found, [branch], path)
    return float(
        sum(np.sum(ak.to_numpy(ak.ravel(arrays[branch])), dtype=np.float64) for _, arrays in chunks)
    )


@dataclass(frozen=True)
class Totals:
    """Sums over the entries of a file, or over its counters.

    Attributes
    ----------
    n_generated, sum_of_weights
        None if the counters do not have it.
    source
        Where the two are from.
    all_one
        Every single weight is 1.
    n_weights
        Weights of each event; None if events differ in it.
    """

    n_generated: int | None
    sum_of_weights: float | None
    source: str
    cross_section_pb: float = math.nan
    all_one: bool = False
    n_weights: int | None = 1


def choose_totals(
    n_generated: float | None,
    sum_of_weights: float | None,
    *,
    counted: Totals | None,
    count_entries: Callable[[], Totals],
    nominal: bool,
    path: Path | str,
) -> tuple[int, float]:
    """Number of generated events and sum of their weights, where the caller may give either.

    Parameters
    ----------
    n_generated, sum_of_weights
        Given by the caller; None if not.
    counted
        The file's own counters, if it has any.
    count_entries
        Adds up the entries; called only if need be.
    nominal
        Whether the weight is the first one of the file, whose sum the counters hold.
    path
        For the sentences of errors.

    Raises
    ------
    InputError
        If the number of events is not known, or the sum of weights does not follow from it.
    """
    if n_generated is not None and not (n_generated > 0 and float(n_generated).is_integer()):
        raise InputError(
            f"{path}: n_generated is {n_generated}; it must be a positive whole number"
        )
    own = count_entries() if counted is None else counted
    if n_generated is None and own.n_generated is None:
        raise InputError(
            f"{path}: {own.source} is the sum of weights of generated events whose number the file "
            "does not hold; give "
            "n_generated"
        )
    number = own.n_generated if n_generated is None else int(n_generated)
    if sum_of_weights is not None:
        return number, sum_of_weights
    if (
        own.n_generated in (None, number)
        and own.sum_of_weights is not None
        and (nominal or counted is None)
    ):
        return number, own.sum_of_weights
    entries = count_entries()
    if entries.all_one:
        return number, float(number)
    if number == entries.n_generated:
        return number, entries.sum_of_weights
    raise InputError(
        f"{path}: {number} events were generated, of which the file holds {entries.n_generated} "
        "with weights that "
        "differ from 1; give sum_of_weights, the sum of the weights of all generated events"
    )


def unread_counters(
    file: uproot.ReadOnlyDirectory, schema: TreeSchema, path: Path | str
) -> list[str]:
    """Name the objects of a file that look like counters of generated events, which its schema does
    not read.
    """
    found = []
    for name, kind in file.classnames(cycle=False).items():
        if name in (schema.tree, *schema.no_counters) or not _LOOKS_LIKE_COUNTER.search(name):
            continue
        if has_tree(file, name):
            branches = sorted(find_tree(file, name, path).names)
            shown = ", ".join(branches[:SHOWN_BRANCHES]) + (
                ", ..." if len(branches) > SHOWN_BRANCHES else ""
            )
            found.append(f"the tree {name} ({shown})")
        elif kind.startswith(("TH1", "TParameter")):
            found.append(f"the {'histogram' if kind.startswith('TH1') else 'number'} {name}")
    return found
