"""wide_file: an RNTuple with thousands of fields, of which few are read."""

import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from unittest import mock

import uproot

from benchmarks.conversions import recipe
from benchmarks.harness import Benchmark, Settings, TimeRatio, require_equal
from benchmarks.stages import REPOSITORY
from benchmarks.subprocesses import output_of
from calovision import ImageFile
from calovision.conversion import Sample, convert_ntuple
from calovision.ntuples import open_ntuple
from calovision.ntuples.trees.event_tree import EventTree

NAME = "pfnano_rntuple.root"  # PFNano of CMS, 2,451 fields and 10 entries
OPEN = "import sys, uproot; uproot.open(sys.argv[1])[sys.argv[2]].keys()"


def wide_file(settings: Settings) -> Benchmark:
    """Inspection of the file by a process, and its images against the time in which uproot opens it
    and reads the same fields: one by one, which is its fast way, or by ``tree.arrays``.
    """
    folder = REPOSITORY.parent / "shared" / "data" / "real"
    path = Path(os.environ.get("CALOVISION_REAL_DATA", folder)) / NAME
    if not path.is_file():
        return Benchmark(title=f"RNTuple of 2,451 fields ({NAME} is not there)", n_events=1)
    output = settings.scratch / "wide.h5"
    info = open_ntuple(path)

    def convert() -> None:
        convert_ntuple(path, output, recipe(), sample=Sample("wide", 0, cross_section_pb=1.0))

    fields = _fields_read(convert)

    def check() -> None:
        convert()
        require_equal("images", [len(ImageFile(output))], [info.n_entries])

    return Benchmark(
        title="RNTuple of 2,451 fields: `calovision inspect`, and images in a process that runs",
        n_events=info.n_entries,
        methods={
            "inspect": lambda: output_of("-m", "calovision.cli", "inspect", path),
            "uproot_opens": lambda: output_of("-c", OPEN, path, info.tree),
            "images": convert,
            "uproot_fields": _reader(path, info.tree, fields),
        },
        peers={"uproot_arrays": _reader(path, info.tree, fields, at_once=True)},
        bars=(
            TimeRatio("inspect", "uproot_opens", at_most=3),
            TimeRatio("images", "uproot_fields", at_most=1.3),
        ),
        check=check,
    )


def _fields_read(convert: Callable[[], object]) -> list[str]:
    """Fields that a conversion reads, each once: of towers and tracks, of weights and numbers of
    events, and of the jets that tell the weight of candidates.
    """
    names: set[str] = set()

    class Recorded(EventTree):
        def iterate(self, wanted: Collection[str], *others: int) -> Iterator[dict]:
            names.update(wanted)
            return super().iterate(wanted, *others)

    with mock.patch("calovision.ntuples.root_file.EventTree", Recorded):
        convert()
    return sorted(names)


def _reader(
    path: Path, tree: str, fields: list[str], *, at_once: bool = False
) -> Callable[[], object]:
    def read() -> object:
        with uproot.open(path) as file:
            if at_once:
                return file[tree].arrays(fields)
            return [file[tree][field].array() for field in fields]

    return read
