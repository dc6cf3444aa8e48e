"""Jobs that drills disturb: commands and scripts of the workflow, each with a folder in which it
ran undisturbed.
"""

import re
import runpy
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401  its filters
import numpy as np

from faults.material import scratch
from faults.processes import End, run_apart

UNNAMED = (".snakemake_timestamp", "events.out.tfevents")
"""Beginnings of names of files that hold times, some in the name itself."""
# with the nanoseconds of lists of files
_TIMES = re.compile(
    r"\b\d{19}\b|\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?|\b\d+(\.\d+)?(e[-+]\d+)? ?(s|min|MB)\b"
)


@dataclass(frozen=True)
class Job:
    """One job, which finds its inputs below its working folder and writes its outputs there.

    Attributes
    ----------
    name
        For messages.
    reference
        Folder in which it, and all before it, ran undisturbed.
    outputs
        Files or folders, relative.
    script
        Of Snakemake; or else ``arguments``.
    arguments
        Of the command line.
    volatile
        Files that two undisturbed runs write differently, such as those with times.
    """

    name: str
    reference: Path
    outputs: tuple[str, ...]
    script: str = ""
    arguments: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()

    def lay_out(self, folder: Path) -> None:
        """Make a working folder in which the job finds all files of the reference but its own, as
        links, and no log of it, which it would write to.
        """
        text = Path(self.script).read_text() if self.script else ""
        own = tuple(f"{name}/" for name in self.outputs)
        for name in self.outputs:  # as Snakemake does
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
        for path in sorted(self.reference.rglob("*")):
            name = str(path.relative_to(self.reference))
            if (
                path.is_dir()
                or name.startswith((".snakemake", "jobs", *own))
                or name in self.outputs
            ):
                continue
            if "/logs/" in name and name.rpartition(".")[0] in text:
                continue
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(path)

    def __call__(self) -> None:
        """Run it in this process."""
        if self.script:
            sys.argv = [self.script]
            runpy.run_path(self.script, run_name="__main__")
        else:
            from calovision.cli import main

            sys.argv = ["calovision", *self.arguments]
            main()

    def run(self, folder: Path, output: Path, **disturbance: object) -> End:
        """Run it in a working folder, as `run_apart`."""
        return run_apart(self, folder, output=output, **disturbance)

    def is_right(self, folder: Path) -> bool:
        """Whether its files there are those of the undisturbed run."""
        return not self.differences(folder)

    def differences(self, folder: Path, *, partly: bool = False) -> list[str]:
        """Its files that are missing, but for ``partly``, or that are others than those of the
        undisturbed run.
        """
        expected = _digests(self.reference, self.outputs)
        found = _digests(folder, self.outputs)
        more = {name for name in found if name not in expected and partly and _goes_on(name)}
        return [
            name
            for name in sorted((expected | found).keys() - more)
            if (name not in found and not partly)
            or (name in found.keys() - set(self.volatile) and found[name] != expected.get(name))
        ]

    def found_volatile(self) -> list[str]:
        """Its volatile files, found by a second run without any disturbance."""
        folder = scratch() / "again"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self.lay_out(folder)
        end = self.run(folder, scratch() / "again.txt")
        assert end.status == 0, (self.name, end.text)
        return self.differences(folder)


def _goes_on(name: str) -> bool:
    """Whether a file is one from which a training that ended early goes on."""
    return "/resume/" in name or name.endswith("/.training")


def copied(folder: Path) -> None:
    """Put copies in the place of the links of `Job.lay_out`."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            content = path.resolve()
            path.unlink()
            shutil.copy2(content, path)  # with the times, which lists of files hold


def leftovers(folder: Path) -> list[str]:
    """Temporary files and folders that are still there."""
    return [str(path.relative_to(folder)) for path in folder.rglob(".*.part*")]


def _digests(folder: Path, outputs: Iterable[str]) -> dict[str, object]:
    """What the files of a job hold, without times."""
    files = []
    for name in outputs:
        path = folder / name
        files += [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else [path]
    return {
        str(path.relative_to(folder)): digest(path)
        for path in files
        if path.exists() and not path.name.startswith(UNNAMED)
    }


def digest(path: Path) -> object:
    """Content of a file in a form that can be compared, NaN as equal to itself."""
    if path.suffix == ".h5":
        return _of_hdf5(path)
    content = path.read_bytes()
    if path.suffix in (".json", ".md", ".html", ".txt", ".csv", ".yaml", ".tsv"):
        return _TIMES.sub("", content.decode())
    return content


def _of_hdf5(path: Path) -> dict[str, object]:
    found: dict[str, object] = {}

    def add(name: str, item: h5py.Group | h5py.Dataset) -> None:
        found.update({f"{name}@{key}": np.asarray(v).tobytes() for key, v in item.attrs.items()})
        if isinstance(item, h5py.Dataset):
            value = np.asarray(item[()])
            found[name] = repr(value.tolist() if value.dtype.hasobject else value.tobytes())

    with h5py.File(path, locking=False) as file:
        add("", file)
        file.visititems(add)
    return found
