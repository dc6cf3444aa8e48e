"""memory and import_time: what only a fresh process can tell."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.harness import Benchmark, Settings, TimeRatio, ValueLimit, require_equal
from benchmarks.root_files import write_root_file

IMPORT = """
import sys, time
start = time.perf_counter()
{statement}
print(time.perf_counter() - start, *({{"torch", "matplotlib"}} & set(sys.modules)))
"""
STATEMENTS = {
    "import_calovision": "import calovision",
    "import_builder": "from calovision import EtaPhiGrid, build_images",
    "import_numpy_awkward": "import numpy, awkward",
    "import_numba": "import numpy, awkward, numba",
}
TESTS = Path(__file__).parents[1]


def output_of(*arguments: str | Path) -> list[str]:
    """Words that a fresh interpreter prints; what it writes to stderr is shown."""
    finished = subprocess.run(
        [sys.executable, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=TESTS,
    )
    return finished.stdout.split()


def import_time(settings: Settings) -> Benchmark:
    """Seconds that an import takes inside a fresh interpreter, whose bytecode is compiled."""

    def imported(statement: str) -> Callable[[], float]:
        return lambda: float(output_of("-c", IMPORT.format(statement=statement))[0])

    def check() -> None:
        for name, statement in STATEMENTS.items():
            require_equal(
                f"{name}: torch, matplotlib",
                output_of("-c", IMPORT.format(statement=statement))[1:],
                [],
            )

    return Benchmark(
        title="imports in a fresh interpreter; numpy, awkward and numba alone are the floor",
        n_events=1,
        methods={name: imported(statement) for name, statement in STATEMENTS.items()},
        bars=(
            TimeRatio("import_calovision", "import_numpy_awkward", at_most=0.5),
            TimeRatio("import_builder", "import_numba", at_most=1.3),
        ),
        check=check,
        self_timed=True,
    )


def memory(settings: Settings) -> Benchmark:
    """Largest resident memory of a conversion over what the imports take, for two sizes of file."""
    sizes = (settings.memory_events // 10, settings.memory_events)

    def measure() -> dict[str, dict[str, float]]:
        values = {}
        for n in sizes:
            path = write_root_file(settings.scratch / "memory.root", n, compression="lz4")
            imports, peak, seconds = output_of(
                "-m", "benchmarks.peak_memory", path, settings.scratch / "memory.h5"
            )
            values[f"events_{n}"] = {
                "mb_over_imports": float(peak) - float(imports),
                "mb_of_imports": float(imports),
                "events_per_s": n / float(seconds),
                "root_file_mb": path.stat().st_size / 1e6,
            }
            path.unlink()
        return values

    return Benchmark(
        title="largest resident memory of the conversion of one file, MB = 1,000,000 bytes",
        n_events=sizes[-1],
        bars=tuple(
            ValueLimit(f"events_{n}", "mb_over_imports", at_most=600, unit="MB over the imports")
            for n in sizes
        ),
        measure_values=measure,
    )
