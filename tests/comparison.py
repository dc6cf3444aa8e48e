"""Whether two runs of the workflow gave the same."""

import json
from pathlib import Path

import h5py
import numpy as np
from safetensors.numpy import load_file

from calovision.core.digests import SEAL

# numbers that depend on how fast and when a job ran, and the hash over them
TIMES = frozenset({"images_per_s", "training_time_s", "started", "ended", "seconds", SEAL})
# UUIDs of ROOT files, new ones each time that these are simulated
SOURCES = frozenset({"sources"})


def contents(path: Path) -> dict[str, object]:
    """Every data set and attribute of an HDF5 file."""
    found = {}

    def add(name: str, item: h5py.Group | h5py.Dataset) -> None:
        found.update({f"{name}@{key}": value for key, value in item.attrs.items()})
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with h5py.File(path) as file:
        add("", file)
        file.visititems(add)
    return found


def require_equal_tables(first: Path, second: Path) -> None:
    one, other = contents(first), contents(second)
    for content in (one, other):
        # a simulated ROOT file has a new UUID each time, which is in the checksum of the attribute
        content.pop("@checksums", None)
        content["@source_files"] = [
            path for path, _ in json.loads(content.get("@source_files", "[]"))
        ]
    assert list(one) == list(other)
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=f"{second}: {name}")


def without(keys: frozenset[str], value: object) -> object:
    if isinstance(value, dict):
        return {key: without(keys, below) for key, below in value.items() if key not in keys}
    return [without(keys, below) for below in value] if isinstance(value, list) else value


def require_equal_results(
    results: Path, expected: Path, *folders: str, but: frozenset[str] = TIMES
) -> None:
    """Image files, scores, weights and metrics in some folders, but some keys of JSON; nothing half
    written."""
    for folder in folders:
        names = sorted(
            path.relative_to(expected) for path in (expected / folder).rglob("*") if path.is_file()
        )
        assert names
        for name in names:
            if name.suffix == ".h5":
                require_equal_tables(expected / name, results / name)
            elif name.suffix == ".safetensors":
                one, other = load_file(expected / name), load_file(results / name)
                assert list(one) == list(other)
                assert all(np.array_equal(values, other[key]) for key, values in one.items()), name
            elif name.suffix == ".json" and name.stem != "run_summary":
                found, wanted = (
                    json.loads((path / name).read_text()) for path in (results, expected)
                )
                assert without(but, found) == without(but, wanted), name
    assert not list(results.rglob(".*.part*"))


def require_equal_runs(results: Path, expected: Path) -> None:
    """All that a run of the whole workflow gives, from its simulation to its report."""
    folders = ("images", "models", "scores", "metrics", "reach", "variations")
    require_equal_results(results, expected, *folders, but=TIMES | SOURCES)
    sizes = [(path / "report.html").stat().st_size for path in (results, expected)]
    assert sizes[0] > 0.9 * sizes[1]
