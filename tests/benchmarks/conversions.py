"""convert: ROOT to HDF5 against reading alone; processes: two files in two processes against two
unrelated processes."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import uproot

from benchmarks.data import CHANNELS, SEED, TRANSVERSE_CHANNELS, make_towers, make_tracks
from benchmarks.harness import Benchmark, Settings, TimeRatio, require_equal, require_equal_images
from benchmarks.root_files import READ, write_root_file
from calovision import EtaPhiGrid, ImageFile, ImageRecipe
from calovision.conversion import convert_ntuple, convert_ntuples
from calovision.images import build_images
from calovision.ntuples.root_file import fast_zlib

MOST_OVER_READING = {"zlib": 1.0, "lz4": 1.6}
PROCESSES = {"one_process": 1, "two_processes": 2}
EVENTS_TO_CHECK = 100
TESTS = Path(__file__).parents[1]


def recipe(channels: tuple[str, ...] = CHANNELS) -> ImageRecipe:
    """Images of all events at 64x64: no selection and no clustering of jets."""
    return ImageRecipe(
        grid=EtaPhiGrid(64, 64), channels=channels, cluster_jets=False, preselection={}
    )


def convert(settings: Settings) -> Benchmark:
    """Opening, reading, building and writing against ``tree.arrays`` of the same branches.

    uproot alone unpacks zlib with Python's zlib; ``uproot_zlib_isal`` with the library that
    calovision gives it.
    """
    methods: dict[str, Callable[[], object]] = {}
    outputs = {}
    for compression in MOST_OVER_READING:
        path = write_root_file(
            settings.scratch / f"{compression}.root", settings.n_events, compression=compression
        )
        outputs[compression] = settings.scratch / f"{compression}.h5"
        methods[f"uproot_{compression}"] = _reader(path)
        methods[f"calovision_{compression}"] = _converter(path, outputs[compression], CHANNELS)
        if compression == "zlib":
            methods["uproot_zlib_isal"] = fast_zlib()(_reader(path))
    methods["calovision_lz4_blosc2"] = _converter(
        path, settings.scratch / "blosc2.h5", CHANNELS, compression="blosc2"
    )
    methods["calovision_lz4_et"] = _converter(path, settings.scratch / "et.h5", TRANSVERSE_CHANNELS)

    def check() -> None:
        for compression, output in outputs.items():
            methods[f"calovision_{compression}"]()
            _check_images(output, settings.n_events, compression)

    return Benchmark(
        title="whole conversion ROOT to HDF5, 64x64x3; calovision reads ahead and writes behind in "
        "threads",
        n_events=settings.n_events,
        methods=methods,
        bars=tuple(
            TimeRatio(f"calovision_{name}", f"uproot_{name}", at_most=most)
            for name, most in MOST_OVER_READING.items()
        ),
        check=check,
    )


def _reader(path: Path) -> Callable[[], object]:
    def read() -> object:
        with uproot.open(path) as file:
            return file["events"].arrays(READ, library="ak")

    return read


def _converter(
    path: Path, output: Path, channels: tuple[str, ...], **options: object
) -> Callable[[], object]:
    return lambda: convert_ntuple(
        path, output, recipe(channels), sample="bench", label=0, **options
    )


def _check_images(output: Path, n_events: int, compression: str) -> None:
    """The first events of the file must have the images of the arrays that were written."""
    n = min(n_events, EVENTS_TO_CHECK)
    towers, tracks = make_towers(n_events).records()[:n], make_tracks(n_events).records()[:n]
    images = ImageFile(output)
    require_equal(compression, [len(images)], [n_events])
    reference, _ = build_images(towers, tracks, EtaPhiGrid(64, 64), CHANNELS)
    require_equal_images(images.dense(np.arange(n)), reference, f"calovision_{compression}")


def processes(settings: Settings) -> Benchmark:
    """Two files in one process and in two, whose start, imports and merging of the results count;
    the floor is what two unrelated processes of the same kind give together, a file each."""
    n = settings.process_events

    def check() -> None:
        few = min(n, EVENTS_TO_CHECK)
        for method in _by_processes(settings.scratch / "few", few).values():
            method()
        one, two = (ImageFile(settings.scratch / "few" / f"{name}.h5") for name in PROCESSES)
        require_equal("two_processes", [len(one), len(two)], [2 * few, 2 * few])
        require_equal_images(
            two.dense(np.arange(2 * few)), one.dense(np.arange(2 * few)), "two_processes"
        )

    methods = _by_processes(settings.scratch / "all", n)
    alone = {"one_process": methods.pop("one_process")}
    return Benchmark(
        title=f"conversion of two zlib files of {n} events to one image file",
        n_events=2 * n,
        methods=methods,
        peers=alone,
        bars=(TimeRatio("two_unrelated", "two_processes", at_least=0.9),),
        check=check,
    )


def _by_processes(folder: Path, n_events: int) -> dict[str, Callable[[], object]]:
    """Conversion of two files of n events each in one process and in two, to a file named after the
    method."""
    folder.mkdir()
    # of other events, since a file given twice is refused
    paths = [
        write_root_file(
            folder / f"{number}.root",
            n_events,
            compression="zlib",
            seed=SEED + number,
            first_number=number * n_events,
        )
        for number in (0, 1)
    ]

    def converter(name: str, number: int) -> Callable[[], object]:
        options = {"sample": "bench", "label": 0, "processes": number}
        return lambda: convert_ntuples(paths, folder / f"{name}.h5", recipe(), **options)

    def unrelated() -> None:
        command = [sys.executable, "-m", "benchmarks.convert_alone"]
        started = [
            subprocess.Popen([*command, path, path.with_suffix(".h5")], cwd=TESTS) for path in paths
        ]
        codes = [process.wait() for process in started]
        require_equal("two_unrelated: exit status", codes, [0, 0])

    own = {name: converter(name, number) for name, number in PROCESSES.items()}
    return own | {"two_unrelated": unrelated}
