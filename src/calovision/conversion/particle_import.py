"""Import of padded arrays of particles (npz, HDF5) as image files of jets."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from calovision.conversion.jet_blocks import (
    BLOCK_BYTES,
    JetBlock,
    JetFileOptions,
    entries_named,
    write_jet_file,
)
from calovision.conversion.particle_arrays import (
    JetColumns,
    ParticleOptions,
    columns_of,
    file_named,
    has_jets,
    jets_of,
    particles_of,
)
from calovision.core.classes import OF_ROWS
from calovision.core.errors import EntryError, InputError
from calovision.core.kinematics import wrap_phi
from calovision.core.registry import nearest
from calovision.jets.padded import features_of, padded_constituents, sums_of_constituents
from calovision.storage import ImageMetadata
from calovision.storage.dense_source import dense_arrays

SIGNAL_OR_NOT = ("background", "signal")
"""Classes of labels 0 and 1 that come without names."""


def import_particles(
    paths: Sequence[Path],
    output: Path,
    particles: ParticleOptions,
    options: JetFileOptions,
    *,
    progress: Callable[[int], None] | None = None,
) -> ImageMetadata:
    """Write the images of jets, given as padded arrays of their particles, as one image file.

    Parameters
    ----------
    paths
        npz or HDF5 files with particles ``(n_jets, n_particles, n_features)`` and one label, weight
        ... for each jet. The jets of an event are together.
    output
        The image file, a row for each jet.
    particles
        What the arrays mean.
    options
        Recipe, sample and classes.
    progress
        Called with the number of jets of each block that is done.

    Returns
    -------
    What was stored about the file.

    Raises
    ------
    InputError
        If a file cannot be read, the arrays do not fit each other or the layout, or a number is not
        possible; the file and the entry are named.
    """
    paths = [Path(path) for path in paths]
    fixed, classes = _label_of_all(particles, tuple(options.classes))
    blocks = _blocks(paths, particles, classes, fixed)
    return write_jet_file(
        output,
        blocks,
        replace(options, classes=classes),
        label=OF_ROWS if fixed is None else fixed,
        definition={
            "layout": "padded arrays",
            "fat jets": "those of the file" if has_jets(particles) else "sums of their particles",
            "particles": particles.layout
            if isinstance(particles.layout, str)
            else ", ".join(particles.layout),
        },
        progress=progress,
    )


def _label_of_all(
    particles: ParticleOptions, classes: tuple[str, ...]
) -> tuple[int | None, tuple[str, ...]]:
    """Label of all jets, None where each has its own; and the classes, named where they must be."""
    label = particles.label
    if label is None:
        return None, classes or SIGNAL_OR_NOT
    if str(label) in classes:
        return classes.index(str(label)), classes
    if not classes and str(label) in ("0", "1"):
        return int(label), classes
    known = classes or ("0", "1")
    raise InputError(
        f"label '{label}' is no class{nearest(str(label), known)}; choose from {', '.join(known)}"
    )


def _blocks(
    paths: Sequence[Path],
    particles: ParticleOptions,
    classes: tuple[str, ...],
    fixed: int | None,
) -> Generator[JetBlock]:
    """Jets of all files."""
    n_before = 0
    for path in paths:
        with dense_arrays(path, "particles") as (arrays, *_):
            array = particles_of(path, arrays, particles)
            jets = jets_of(path, arrays, particles, len(array))
            columns = columns_of(path, arrays, particles, classes, fixed, len(array), n_before)
            for rows in _slices(columns.event_number, array.shape):
                yield _block(path, array[rows], jets, columns, rows, particles.layout)
            n_before += len(array)


def _slices(event_number: np.ndarray, shape: Sequence[int]) -> Iterator[slice]:
    """Rows of one block after the other, which parts no event."""
    size = max(1, BLOCK_BYTES // max(8 * int(np.prod(shape[1:])), 1))
    starts = np.flatnonzero(np.diff(event_number, prepend=event_number[:1] - 1))
    start = 0
    while start < len(event_number):
        at = np.searchsorted(starts, start + size, side="right")
        behind = starts[at] if at < len(starts) else len(event_number)
        fits = starts[at - 1] if at and starts[at - 1] > start else behind
        stop = len(event_number) if start + size >= len(event_number) else int(fits)
        yield slice(start, stop)
        start = stop


def _block(
    path: Path,
    particles: np.ndarray,
    jets: Mapping[str, np.ndarray],
    columns: JetColumns,
    rows: slice,
    layout: str | Sequence[str],
) -> JetBlock:
    """Some jets of a file."""
    own = {name: values[rows] for name, values in jets.items()}
    with entries_named(path, rows.start), file_named(path):
        _check_jets(own)
        constituents = padded_constituents(particles, layout, jets=own or None)
        momenta = sums_of_constituents(constituents)
        if "phi_rel" in features_of(layout, particles.shape[2]):
            momenta["phi"] = np.zeros(len(particles))  # of the jets of JetNet it is not known
        momenta |= own
        momenta["phi"] = wrap_phi(momenta["phi"])
    return JetBlock(
        path,
        rows.start,
        constituents,
        momenta,
        columns.event_number[rows],
        columns.label[rows],
        columns.weight[rows],
        None if columns.split is None else columns.split[rows],
    )


def _check_jets(jets: Mapping[str, np.ndarray]) -> None:
    """Raise EntryError for momenta of jets that are not possible."""
    for name, values in jets.items():
        possible = np.isfinite(values)
        if name in ("pt", "mass"):
            possible &= (values > 0) if name == "pt" else (values >= 0)
        if not possible.all():
            entry = int(np.argmin(possible))
            wanted = {"pt": "above 0", "mass": "0 or above"}.get(name, "finite")
            problem = f"is {values[entry]:g}; it must be {wanted}"
            raise EntryError(entry, f"the {name} of the jet", problem, of="jet")
