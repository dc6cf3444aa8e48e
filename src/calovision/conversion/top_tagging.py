"""Import of the top-tagging reference data (doi:10.5281/zenodo.2603256, arXiv:1902.09914).

One table ``table`` of pandas: the momenta of up to 200 constituents of a jet, ``E_0``, ``PX_0``,
``PY_0``, ``PZ_0`` ... ``PZ_199``, GeV, in descending pT and padded with zeros; the momentum of the
top quark ``truthE`` ...; ``is_signal_new``, 1 for top quarks; and ``ttv``, the split: 0 train,
1 test, 2 validation, as the script that drew it says.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np

from calovision.conversion.jet_blocks import (
    BLOCK_BYTES,
    JetBlock,
    JetFileOptions,
    entries_named,
    write_jet_file,
)
from calovision.core.classes import OF_ROWS
from calovision.core.errors import InputError
from calovision.core.splits import SPLITS
from calovision.jets.padded import LAYOUTS, padded_constituents, sums_of_constituents
from calovision.storage import ImageMetadata
from calovision.storage.frames import Frame, opened_frame

CLASSES = ("qcd", "top")
"""Classes by the value of ``is_signal_new``."""
LABEL, SPLIT = "is_signal_new", "ttv"
MOMENTUM = ("E", "PX", "PY", "PZ")
OF_TTV = {0: "train", 1: "test", 2: "validation"}


def import_top_tagging(
    paths: Sequence[Path],
    output: Path,
    options: JetFileOptions,
    *,
    key: str = "table",
    progress: Callable[[int], None] | None = None,
) -> ImageMetadata:
    """Write the images of the jets of the top-tagging reference data as one image file.

    Parameters
    ----------
    paths
        Files of the data, as ``train.h5``, ``val.h5`` and ``test.h5``; they need neither pandas nor
        PyTables.
    output
        The image file, a row for each jet, with the split of the data and the classes qcd and top.
    options
        Recipe and sample; the classes are those of the data.
    key
        Name of the table in the files.
    progress
        Called with the number of jets of each block that is done.

    Returns
    -------
    What was stored about the file.

    Raises
    ------
    InputError
        If a file cannot be read, has no table of this layout, or a number is not possible; the file
        and the entry are named.
    """
    return write_jet_file(
        output,
        _blocks([Path(path) for path in paths], key),
        replace(options, classes=CLASSES),
        label=OF_ROWS,
        definition={
            "layout": "top-tagging reference data",
            "fat jets": "sums of their particles",
            "particles": "e, px, py, pz",
        },
        progress=progress,
    )


def _blocks(paths: Sequence[Path], key: str) -> Generator[JetBlock]:
    """Jets of all files, whose events are counted on."""
    n_before = 0
    for path in paths:
        with opened_frame(path, key) as frame:
            names = _momenta(frame)
            labels = _whole_numbers(frame, LABEL, dict(enumerate(CLASSES)))
            parts = _whole_numbers(frame, SPLIT, OF_TTV)
            position = np.array([SPLITS.index(OF_TTV[part]) for part in OF_TTV], dtype=np.uint8)
            size = max(1, BLOCK_BYTES // (8 * len(names)))
            for start in range(0, len(frame), size):
                rows = slice(start, min(start + size, len(frame)))
                yield _block(frame, names, rows, n_before, labels[rows], position[parts[rows]])
            n_before += len(frame)


def _momenta(frame: Frame) -> list[str]:
    """Columns of the momenta, constituent by constituent."""
    if len(frame) == 0:
        raise InputError(f"{frame.path}: no jets: at least one must be there")
    there = set(frame.columns)
    n = next(number for number in count() if f"{MOMENTUM[0]}_{number}" not in there)
    names = [f"{one}_{number}" for number in range(max(n, 1)) for one in MOMENTUM]
    frame.require((*names, LABEL, SPLIT))
    return names


def _whole_numbers(frame: Frame, name: str, meanings: dict[int, str]) -> np.ndarray:
    """A column of numbers with a meaning, int64 ``(n,)``."""
    values = frame.read([name])[:, 0]
    known = np.isin(values, list(meanings))
    if not known.all():
        entry = int(np.argmin(known))
        listed = ", ".join(f"{number} ({meaning})" for number, meaning in meanings.items())
        raise InputError(
            f"{frame.path}, entry {entry}: '{name}' is {values[entry]}: it must be one of {listed}"
        )
    return values.astype(np.int64)


def _block(
    frame: Frame,
    names: Sequence[str],
    rows: slice,
    n_before: int,
    labels: np.ndarray,
    split: np.ndarray,
) -> JetBlock:
    """Some jets of a file."""
    particles = frame.read(names, rows).reshape(-1, len(names) // len(MOMENTUM), len(MOMENTUM))
    with entries_named(frame.path, rows.start):
        constituents = padded_constituents(particles, LAYOUTS["momenta"])
        momenta = sums_of_constituents(constituents)
    return JetBlock(
        frame.path,
        rows.start,
        constituents,
        momenta,
        np.arange(n_before + rows.start, n_before + rows.stop),
        labels,
        np.ones(len(labels)),
        split,
    )
