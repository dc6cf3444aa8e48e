"""The command line: runs the benchmarks, writes bench.json and bench.md, fails if a bar is
missed."""

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.harness import Benchmark, Result, Settings

THREADED = ("OMP", "MKL", "OPENBLAS", "NUMBA", "NUMEXPR", "VECLIB")


MINUTES, MINUTES_QUICK = 20.0, 4.0


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; 1 if a bar is missed by more than noise or a benchmark of ours
    fails, else 0."""
    start = time.perf_counter()
    limit_threads()
    # Imported here: the libraries read the environment when they load, and the processes of a pool
    # load this module.
    from benchmarks.registry import BENCHMARKS, NOT_QUICK, WEIGHTS
    from benchmarks.report import describe_machine, judge, to_json, to_markdown

    options = _parser(list(BENCHMARKS)).parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    names = options.only or [n for n in BENCHMARKS if not (options.quick and n in NOT_QUICK)]
    end = start + 60 * (options.minutes or (MINUTES_QUICK if options.quick else MINUTES))
    results, failed = {}, {}
    for place, name in enumerate(names):
        left = [WEIGHTS.get(other, 1.0) for other in names[place:]]
        now = time.perf_counter()
        if now >= end:
            failed[name] = "not run: no time was left"
            continue
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            deadline = now + (end - now) * left[0] / sum(left)
            results[name] = _run(BENCHMARKS[name], options, deadline)
            print(f"    {time.perf_counter() - now:.0f} s", file=sys.stderr, flush=True)
        except Exception as error:  # what was measured before is not lost with it
            traceback.print_exc()
            failed[name] = f"failed: {type(error).__name__}: {error}"
    machine = describe_machine()
    (options.output / "bench.json").write_text(to_json(results, machine, quick=options.quick))
    table = to_markdown(results, machine, quick=options.quick)
    table += "".join(f"\n{name}: {reason}\n" for name, reason in failed.items())
    (options.output / "bench.md").write_text(table)
    print(table)
    missed = [
        f"{name}: {outcome.bar}"
        for name in results
        for outcome in judge(results[name])
        if outcome.verdict == "missed"
    ] + [f"{name}: {reason}" for name, reason in failed.items() if reason.startswith("failed")]
    if missed:
        print("Missed:", *missed, sep="\n  ", file=sys.stderr)
    return 1 if missed else 0


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
    parser.add_argument("--quick", action="store_true", help="fewer events, and 4 minutes")
    parser.add_argument(
        "--events", type=int, help="events of a benchmark (5000; with --quick 1280)"
    )
    parser.add_argument(
        "--minutes", type=float, help="time of all benchmarks together (20; with --quick 4)"
    )
    parser.add_argument(
        "--memory-events", type=int, help="events of the memory benchmark (40 times the others)"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("results"), help="folder of bench.json and bench.md"
    )
    parser.add_argument(
        "--scratch", type=Path, help="folder for temporary files, 6 GB (the system's)"
    )
    return parser


def _run(
    make: Callable[["Settings"], "Benchmark"], options: argparse.Namespace, deadline: float
) -> "Result":
    """One benchmark, in a folder that is removed afterwards."""
    from benchmarks.harness import Settings, measure

    n = options.events or (1280 if options.quick else 5000)
    with tempfile.TemporaryDirectory(prefix="calovision-bench-", dir=options.scratch) as folder:
        settings = Settings(
            n,
            Path(folder),
            memory_events=options.memory_events or (10 if options.quick else 40) * n,
            process_events=20 * n,
        )
        return measure(make(settings), deadline)


if __name__ == "__main__":
    sys.exit(main())
