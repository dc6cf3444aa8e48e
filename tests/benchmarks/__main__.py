"""The command line: runs the benchmarks, writes bench.json and bench.md, fails if a bar is
missed."""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.harness import Benchmark, Result, Settings

THREADED = ("OMP", "MKL", "OPENBLAS", "NUMBA", "NUMEXPR", "VECLIB")


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; 0 if all bars hold, 1 if not. A quick run enforces none."""
    limit_threads()
    # Imported here: the libraries read the environment when they load, and the processes of a pool
    # load this module.
    from benchmarks.registry import BENCHMARKS
    from benchmarks.report import describe_machine, judge, to_json, to_markdown

    options = _parser(list(BENCHMARKS)).parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    results = {}
    for name in options.only or BENCHMARKS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        results[name] = _run(BENCHMARKS[name], options)
    machine = describe_machine()
    (options.output / "bench.json").write_text(to_json(results, machine, quick=options.quick))
    table = to_markdown(results, machine, quick=options.quick)
    (options.output / "bench.md").write_text(table)
    print(table)
    missed = [
        f"{name}: {outcome.bar}"
        for name in results
        for outcome in judge(results[name])
        if not outcome.holds
    ]
    if missed and not options.quick:
        print("Missed:", *missed, sep="\n  ", file=sys.stderr)
        return 1
    return 0


def limit_threads() -> None:
    """One thread for every library that would take more."""
    for library in THREADED:
        os.environ[f"{library}_NUM_THREADS"] = "1"
    os.environ["BLOSC_NTHREADS"] = "1"


def _parser(names: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=names, metavar="NAME", help=", ".join(names)
    )
    parser.add_argument("--quick", action="store_true", help="a few events, no bar enforced")
    parser.add_argument(
        "--events", type=int, default=5000, help="events of a benchmark (%(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=7, help="rounds of a benchmark (%(default)s)")
    parser.add_argument(
        "--memory-events",
        type=int,
        default=200_000,
        help="events of the memory benchmark (%(default)s)",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("results"), help="folder of bench.json and bench.md"
    )
    parser.add_argument(
        "--scratch", type=Path, help="folder for temporary files, 6 GB (the system's)"
    )
    return parser


def _run(make: Callable[["Settings"], "Benchmark"], options: argparse.Namespace) -> "Result":
    """One benchmark, in a folder that is removed afterwards."""
    from benchmarks.harness import Settings, measure

    with tempfile.TemporaryDirectory(prefix="calovision-bench-", dir=options.scratch) as folder:
        if options.quick:
            settings = Settings(
                40, rounds=2, scratch=Path(folder), memory_events=400, process_events=40
            )
        else:
            n = options.events
            settings = Settings(
                n, options.rounds, Path(folder), options.memory_events, process_events=20 * n
            )
        return measure(make(settings), settings.rounds)


if __name__ == "__main__":
    sys.exit(main())
