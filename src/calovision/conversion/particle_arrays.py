"""Padded arrays of particles in files: which array is what, and whether they fit each other."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from calovision.core.classes import check_labels
from calovision.core.errors import EntryError, InputError
from calovision.core.registry import nearest
from calovision.core.splits import SPLITS
from calovision.jets.padded import RELATIVE, features_of
from calovision.storage.dense_source import find_array, find_column

JET_FEATURES = ("pt", "eta", "phi", "mass")
"""Features of jets that are read."""
OF_JETNET = ("pt", "eta", "mass", "-")
"""Features of jets in the order of JetNet's files (doi:10.5281/zenodo.6975118)."""


@dataclass(frozen=True, kw_only=True)
class ParticleOptions:
    """Meaning of the arrays of a file with padded particles.

    Attributes
    ----------
    layout
        Name of a layout of `calovision.jets.padded.LAYOUTS`, or the features of a particle.
    particles, jets, labels, weights, event_numbers
        Names of the arrays; usual names are found (`calovision.storage.dense_source.NAMES`), that
        of jets only where particles are relative to them. Weights that are not there are 1, event
        numbers the numbers of the jets over all files.
    jet_features
        Names of the columns of the array of jets, "-" for what is not read.
    label
        Of all jets, where there is no array of labels: the name of a class, or 0 or 1 without
        classes.
    splits
        Name of an array with the position in `SPLITS` of each jet; None draws the split from the
        event number.
    """

    layout: str | Sequence[str]
    particles: str | None = None
    jets: str | None = None
    labels: str | None = None
    weights: str | None = None
    event_numbers: str | None = None
    splits: str | None = None
    jet_features: Sequence[str] | None = None
    label: str | int | None = None


def has_jets(particles: ParticleOptions) -> bool:
    """Tell whether the momenta of the jets are those of an array."""
    layout = particles.layout
    return particles.jets is not None or layout == "jetnet" or bool({*layout} & {*RELATIVE})


class JetColumns(NamedTuple):
    """Numbers of each jet of a file, ``(n,)``."""

    label: np.ndarray
    weight: np.ndarray
    event_number: np.ndarray
    split: np.ndarray | None


def particles_of(path: Path, arrays: Mapping[str, Any], particles: ParticleOptions) -> Any:
    """The array of particles, whose layout fits."""
    array = find_array(path, arrays, "particles", particles.particles)
    if array is None:
        raise InputError(f"{path}: no array of particles: it has {', '.join(arrays) or 'none'}")
    if array.ndim != 3:
        raise InputError(
            f"{path}: particles of shape {array.shape}: they must be (jet, particle, feature)"
        )
    if len(array) == 0:
        raise InputError(f"{path}: no jets: at least one must be there")
    with file_named(path):
        features_of(particles.layout, array.shape[2])
    return array


@contextmanager
def file_named(path: Path) -> Iterator[None]:
    """Begin the sentences of errors with the file."""
    try:
        yield
    except EntryError:
        raise
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def jets_of(
    path: Path, arrays: Mapping[str, Any], particles: ParticleOptions, n_jets: int
) -> dict[str, np.ndarray]:
    """Features of the jets that the file has, float64 ``(n,)``; none if they are sums."""
    if not has_jets(particles):
        return {}
    array = find_array(path, arrays, "jets", particles.jets)
    if array is None:
        raise InputError(
            f"{path}: no array of jets, to which the particles are relative: it has "
            f"{', '.join(arrays)}"
        )
    if array.ndim != 2 or len(array) != n_jets:
        raise InputError(
            f"{path}: jets of shape {array.shape} for particles of {n_jets} jets: they must be "
            "(jet, feature)"
        )
    names = tuple(particles.jet_features or OF_JETNET)
    if len(names) != array.shape[1]:
        raise InputError(
            f"{path}: jets with {array.shape[1]} features for {len(names)} names "
            f"({', '.join(names)}): name the features of the jets"
        )
    for name in names:
        if name not in (*JET_FEATURES, "-"):
            raise InputError(
                f"there is no feature '{name}' of jets{nearest(name, JET_FEATURES)}; choose from "
                f"{', '.join(JET_FEATURES)}, or - for what is not read"
            )
    values = np.asarray(array[()], dtype=np.float64)
    return {name: values[:, names.index(name)] for name in JET_FEATURES if name in names}


def columns_of(
    path: Path,
    arrays: Mapping[str, Any],
    particles: ParticleOptions,
    classes: tuple[str, ...],
    fixed: int | None,
    n_jets: int,
    n_before: int,
) -> JetColumns:
    """Label, weight, event number and split of each jet.

    Parameters
    ----------
    path, arrays
        The file and its arrays.
    particles
        What the arrays mean.
    classes
        Names of the classes; none for background and signal.
    fixed
        Label of all jets; None where each has its own.
    n_jets, n_before
        Jets of this file, and of those before it, from whose number on they are counted.

    Raises
    ------
    InputError
        If an array is missing or of another length, or holds what it must not.
    """

    def find(quantity: str) -> np.ndarray | None:
        given = getattr(particles, quantity)
        return find_column(path, arrays, quantity, given, n_jets, of="jets")

    labels = find("labels")
    if (labels is None) == (fixed is None):
        found = "no array of labels" if labels is None else "labels, and a label is given too"
        raise InputError(f"{path}: {found}: name the array of labels, or give the label of all")
    labels = np.full(n_jets, fixed) if labels is None else labels
    check_labels(classes, labels, path)
    weights, numbers, splits = find("weights"), find("event_numbers"), find("splits")
    weights = np.ones(n_jets) if weights is None else weights.astype(np.float64)
    if not np.isfinite(weights).all():
        raise InputError(
            f"{path}: the weight of entry {int(np.argmin(np.isfinite(weights)))} is not finite"
        )
    numbers = np.arange(n_before, n_before + n_jets) if numbers is None else numbers
    if not np.array_equal(numbers, np.floor(numbers)):
        raise InputError(f"{path}: the event numbers must be whole numbers")
    numbers = numbers.astype(np.int64)
    _check_events(path, numbers, splits)
    return JetColumns(labels.astype(np.int8), weights, numbers, splits)


def _check_events(path: Path, numbers: np.ndarray, splits: np.ndarray | None) -> None:
    """Raise InputError unless the jets of an event are together, and in one split."""
    starts = np.flatnonzero(np.diff(numbers, prepend=numbers[:1] - 1))
    events, counts = np.unique(numbers[starts], return_counts=True)
    if (counts > 1).any():
        raise InputError(
            f"{path}: the jets of event {events[np.argmax(counts > 1)]} are not together: sort the "
            "arrays by the event number"
        )
    if splits is None:
        return
    known = np.isin(splits, range(len(SPLITS)))
    if not known.all():
        entry = int(np.argmin(known))
        meanings = ", ".join(f"{number} ({name})" for number, name in enumerate(SPLITS))
        raise InputError(
            f"{path}: the split of entry {entry} is {splits[entry]}: it must be one of {meanings}"
        )
    parts = np.flatnonzero((np.diff(splits) != 0) & (np.diff(numbers) == 0))
    if len(parts):
        raise InputError(
            f"{path}: the jets of event {numbers[parts[0]]} are in two splits: give them one"
        )
