"""Numbers of entries of many files, counted once, and the cut of files into jobs."""

import json
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from calovision.core.digests import SEAL, require_seal, sealed
from calovision.core.errors import InputError
from calovision.jobs.atomic import replaced
from calovision.ntuples.detection import count_entries
from calovision.ntuples.paths import split_tree
from calovision.ntuples.retries import with_retries

logger = logging.getLogger(__name__)

THREADS = 8  # most of the time goes by with waiting for disks and servers


def count_files(
    files: Mapping[str, int | None],
    cache: Path,
    *,
    schema: str | None = None,
    tree: str | None = None,
    retries: int = 0,
    on_bad_file: str = "fail",
    check: bool = True,
) -> list[int]:
    """Numbers of entries of files; one whose size and time of change are those of the last count is
    not opened.

    Parameters
    ----------
    files
        Paths and addresses -> number of entries where it is known, else None (`list_files` gives
        them).
    cache
        JSON file of the counts, written if there are new ones.
    schema, tree
        As in `open_ntuple`.
    retries
        For addresses, as in `open_ntuple`. They are counted once for all, since they do not tell
        when they changed.
    on_bad_file
        ``"fail"`` raises on a file that cannot be read, ``"skip"`` counts 0 entries, this time.
    check
        False takes what the cache has without a look at the files.

    Raises
    ------
    InputError
        If a file cannot be read, or the cache cannot be written.
    """
    counts = _read(cache)
    keys = {
        path: _key(path, schema, tree) for path, n_entries in files.items() if n_entries is None
    }
    states = {path: _state(path, schema) if check else None for path in keys}
    unknown = [
        path
        for path, key in keys.items()
        if key not in counts or (check and counts[key]["state"] != states[path])
    ]
    if unknown:
        logger.info("counting the entries of %d files", len(unknown))
        count = partial(_count, schema=schema, tree=tree, retries=retries, on_bad_file=on_bad_file)
        with ThreadPoolExecutor(THREADS) as threads:
            counted = dict(zip(unknown, threads.map(count, unknown), strict=True))
        counts |= {
            keys[path]: {"state": _state(path, schema), "entries": number}
            for path, number in counted.items()
            if number is not None
        }
        with replaced(cache) as temporary:
            temporary.write_text(json.dumps(sealed(counts), indent=0))
    known = {path: n_entries for path, n_entries in files.items() if n_entries is not None}
    return [
        known[path] if path in known else counts.get(keys[path], {"entries": 0})["entries"]
        for path in files
    ]


def cut_into_jobs(
    sizes: Sequence[int], events_per_job: int
) -> list[tuple[int, int, tuple[int, int | None] | None]]:
    """Files and entries of each job, of at most ``events_per_job`` entries: part of a large file,
    or some whole ones.

    Parameters
    ----------
    sizes
        Number of entries of each file.
    events_per_job
        Positive.

    Returns
    -------
    Of each job the first file, the one behind the last, and the first entry and the one behind the
    last (None: the end of the file); or None for all entries. All events come in the order of the
    files.
    """
    jobs: list[tuple[int, int, tuple[int, int | None] | None]] = []
    first = total = 0  # of the job that takes further files
    for number, size in enumerate(sizes):
        if number > first and total + size > events_per_job:
            jobs.append((first, number, None))
            first, total = number, 0
        total += size
        if size > events_per_job:
            n_jobs = -(-size // events_per_job)
            edges = [*(size * part // n_jobs for part in range(n_jobs)), None]
            jobs += [(number, number + 1, (edges[part], edges[part + 1])) for part in range(n_jobs)]
            first, total = number + 1, 0
    if first < len(sizes):
        jobs.append((first, len(sizes), None))
    return jobs


def _read(cache: Path) -> dict[str, dict]:
    """Counts of the last time; none if there are none that can be read, or if they were changed."""
    try:
        counts = json.loads(cache.read_text())
        require_seal(cache, counts, beside=cache.name, must_be=True)
    except (OSError, ValueError, RecursionError, AttributeError):
        return {}
    return {key: count for key, count in counts.items() if key != SEAL}


def _key(path: str, schema: str | None, tree: str | None) -> str:
    return json.dumps([path, schema, tree])


def _state(path: str, schema: str | None) -> list[int] | None:
    """Sizes and times of change of a local file, and of that of its schema, which may name another
    tree; None for an address, or where there is no file.
    """
    files = [Path(split_tree(path)[0])] * ("://" not in path) + [Path(schema or "")]
    found = [file.stat() for file in files if file.is_file()]
    return [number for one in found for number in (one.st_size, one.st_mtime_ns)] or None


def _count(
    path: str, *, schema: str | None, tree: str | None, retries: int, on_bad_file: str
) -> int | None:
    """Entries of one file; None if it is bad, and may be."""
    where = path if "://" in path else Path(path)
    try:
        return with_retries(partial(count_entries, path, schema=schema, tree=tree), where, retries)
    except InputError as error:
        if on_bad_file == "fail":
            raise
        logger.warning("%s: not counted (%s)", path, error)
        return None
