"""ROOT files in several samples, whose events would train in one and test in another.

Files are told apart by what they are, not by how their paths are written. Copies of a file show by
its UUID, when the images are read together (`calovision.storage`).
"""

import os
import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from calovision.core.errors import InputError
from calovision.ntuples.paths import split_tree

_XROOTD = ("root", "roots", "xroot", "xroots")


@dataclass(frozen=True)
class SampleFiles:
    """ROOT files of a sample.

    Attributes
    ----------
    files
        Paths and addresses, each with ``:tree`` where it names a tree.
    tree
        Tree of the other ones; None for that of their schema.
    split_group
        Name from which the split is drawn, in place of the sample's; samples of one group may share
        files.
    is_trained
        Whether the sample takes part in the training; the events of others are all tested.
    is_applied
        Whether its events only get scores, so that others that are not trained may share files.
    """

    files: Iterable[str]
    tree: str | None = None
    split_group: str | None = None
    is_trained: bool = True
    is_applied: bool = False


def check_shared_files(samples: Mapping[str, SampleFiles]) -> None:
    """Raise InputError, which names both samples, if they share a file and it is not said that this
    is meant.

    Parameters
    ----------
    samples
        Name -> its files.
    """
    owners: dict[Hashable, list[tuple[str, str]]] = {}
    for name, sample in samples.items():
        for path in sample.files:
            for key in _keys(path):
                owners.setdefault(key, []).append((name, path))
    for found in owners.values():
        (name, path), *others = found
        for other, other_path in others:
            if other != name and _may_be_one_tree(samples[name], path, samples[other], other_path):
                _check_pair(name, samples[name], other, samples[other], f"{path} and {other_path}")


def _check_pair(
    name: str, sample: SampleFiles, other: str, second: SampleFiles, paths: str
) -> None:
    """Raise InputError unless two samples that share a file are of one group, and both are trained
    or neither is; or neither is, and one only gets scores.
    """
    if not (sample.is_trained or second.is_trained) and (sample.is_applied or second.is_applied):
        return
    if sample.split_group is None or sample.split_group != second.split_group:
        raise InputError(
            f"the samples {name} and {other} share a ROOT file ({paths}), whose events would train "
            "in one and test in "
            "the other; give it to one of them, or both the same split_group if it is meant"
        )
    if sample.is_trained != second.is_trained:
        raise InputError(
            f"the samples {name} and {other} share a ROOT file ({paths}), but only one of them is "
            "trained, so that all "
            "events are tested in the other; give each its own files"
        )


def _may_be_one_tree(sample: SampleFiles, path: str, other: SampleFiles, other_path: str) -> bool:
    """Return True if two mentions of a file can mean the same tree; one without a name may be
    any.
    """
    trees = {split_tree(path)[1] or sample.tree, split_tree(other_path)[1] or other.tree} - {None}
    return len({tree.partition(";")[0] for tree in trees}) < 2


def _keys(path: str) -> list[Hashable]:
    """Keys of a file; two mentions of one file have a key in common.

    Addresses of XRootD by their path alone, since redirectors have many names, and since a file
    system may be mounted here; a file with several names by its number on the disk, too.
    """
    file = split_tree(path)[0]
    if "://" in file:
        return [_address(file)]
    local = Path(os.path.realpath(Path(file).expanduser()))
    keys: list[Hashable] = [str(local)]
    try:
        status = local.stat()
    except OSError:
        return keys
    return [*keys, (status.st_dev, status.st_ino)] if status.st_nlink > 1 else keys


def _address(address: str) -> str:
    """Path of an XRootD or file address; another one without what can be written in several
    ways.
    """
    scheme, _, rest = address.partition("://")
    rest = rest.split("?")[0].split("#")[0]
    host, _, path = rest.partition("/")
    path = os.path.normpath(re.sub("/+", "/", f"/{path}"))
    if scheme.lower() in _XROOTD:
        return path
    if scheme.lower() == "file":
        return os.path.realpath(path)
    name = host.rpartition("@")[2].lower().removesuffix(":443").removesuffix(":80")
    return f"{name}{path}"
