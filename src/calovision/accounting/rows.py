"""Rows of score files and tables against those of image files: each once, and no other."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from calovision.core.errors import InputError
from calovision.storage import ImageCollection
from calovision.storage.scores import keys_of_rows

Keys = Mapping[str, np.ndarray]
"""Columns by which rows are known again (`keys_of_rows`), ``(n,)`` each."""
NAMES = {"event_number": "event {}", "jet_index": "jet {}", "sample": "of sample '{}'"}
"""Keys of a row, and their words in messages; the split is none, as that of a fold differs."""


def require_rows(
    what: str, found: Keys, collection: ImageCollection, indices: np.ndarray, advice: str
) -> None:
    """Raise InputError unless a table has the given rows of a collection, each once, in their
    order.

    Parameters
    ----------
    what
        Title of the table with its file, at the beginning of the message.
    found
        Columns of the table.
    collection, indices
        Image files, and positions of the rows that it must have.
    advice
        End of the message.
    """
    of_rows = keys_of_rows(collection, indices)
    wanted = {name: of_rows[name] for name in NAMES if name in of_rows}
    for name in wanted:
        if name not in found:
            raise InputError(f"{what}: it has no column '{name}'; {advice}")
    if all(np.array_equal(found[name], values) for name, values in wanted.items()):
        return
    rows, expected = _rows(found, wanted), _rows(wanted, wanted)
    more = rows - expected
    wrong = {
        "lost": expected - rows,
        "there once too often": Counter({row: n for row, n in more.items() if row in expected}),
        "of no such row of the image files": Counter(
            {row: n for row, n in more.items() if row not in expected}
        ),
    }
    words = [_words(kind, some, tuple(wanted)) for kind, some in wrong.items() if some]
    if not words:
        raise InputError(f"{what}: its {rows.total():,} rows are in another order; {advice}")
    raise InputError(
        f"{what}: it has {rows.total():,} rows for {expected.total():,} of the image files: "
        f"{', '.join(words)}; {advice}"
    )


def _rows(keys: Keys, names: Mapping[str, np.ndarray]) -> Counter[tuple]:
    """Rows as tuples, with their numbers."""
    return Counter(zip(*(keys[name].tolist() for name in names), strict=True))


def _words(kind: str, rows: Counter[tuple], names: tuple[str, ...]) -> str:
    """``3 are lost, the first one event 17 of sample 'qcd'``."""
    n = rows.total()
    first = next(iter(rows))
    one = " ".join(NAMES[name].format(value) for name, value in zip(names, first, strict=True))
    return f"{n:,} {'is' if n == 1 else 'are'} {kind} ({'' if n == 1 else 'the first '}{one})"
