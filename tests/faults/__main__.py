"""The command line: runs drills with seeds, prints their table, fails if a case came to what it
must not.

Results of whole drills are kept in a folder, so that a part can run again: `--write` writes the
table of all that are there.
"""

import argparse
import logging
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

for _library in ("OMP", "MKL", "OPENBLAS", "NUMBA", "NUMEXPR"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

MARK = "<!-- the table of `make faults` -->"
SEEDS = (1, 2, 3)
TRIED = ("src/calovision/**/*.*", "workflow/**/*.*", "constraints.txt")


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; 1 if a case ended badly, else 0."""
    from faults.registry import DRILLS
    from faults.results import read, tally

    options = _parser(list(DRILLS)).parse_args(arguments)
    every = [name for name in DRILLS if name != "self_test"]
    names = options.only or every
    seeds = options.seed or SEEDS
    if options.here:
        for name in names:
            for seed in seeds:
                _run_here(name, seed, options)
        return 0
    for name in names:
        left = [
            seed
            for seed in seeds
            if not (options.missing and _is_there(name, seed, options.results))
        ]
        if left:
            _run_apart(name, left, options)
    _tell(names if options.cases else every, seeds, options)
    asked = [read(_folder(options), name, seed) for name in names for seed in seeds]
    return int(any([*tally(DRILLS[one.drill], [one]).bad] for one in asked))


def _is_there(name: str, seed: int, folder: Path) -> bool:
    """Whether a result of the present code is kept."""
    from faults.material import code_digest
    from faults.results import read

    found = read(folder, name, seed)
    return found is not None and found.code == code_digest(TRIED)


def _run_apart(name: str, seeds: Sequence[int], options: argparse.Namespace) -> None:
    """Run a drill in a process of its own, which others have given no threads that forks lack."""
    from faults.faulty_calls import environment
    from faults.registry import DRILLS

    line = [sys.executable, "-m", "faults", "--here", "--only", name]
    line += [word for seed in seeds for word in ("--seed", str(seed))]
    line += ["--results", str(_folder(options)), "--processes", str(options.processes)]
    line += [] if options.cases is None else ["--cases", str(options.cases)]
    line += ["--share", str(options.share)]
    more = environment() if DRILLS[name].with_library else {}
    subprocess.run(line, check=True, env=os.environ | more)


def _folder(options: argparse.Namespace) -> Path:
    """Folder of the results; those of a few cases are apart."""
    return options.results if options.cases is None else options.results / "parts"


def _run_here(name: str, seed: int, options: argparse.Namespace) -> None:
    from faults.material import code_digest
    from faults.registry import DRILLS
    from faults.results import Result
    from faults.run import run_drill

    logging.getLogger().addHandler(logging.NullHandler())  # warnings of what drills prepare
    start = time.monotonic()
    code = code_digest(TRIED)
    tally = run_drill(DRILLS[name], seed, options.cases, options.processes, options.share)
    seconds = time.monotonic() - start
    today = date.today().isoformat()
    Result(name, seed, today, code, seconds, tally.judged).save(options.results)
    n_cases = len(tally.judged)
    print(f"{name}, seed {seed}: {n_cases} cases in {seconds:.0f} s", file=sys.stderr, flush=True)


def _tell(names: list[str], seeds: Sequence[int], options: argparse.Namespace) -> None:
    """Print the table of the results that are kept, and write it where that is asked for."""
    from faults.registry import DRILLS
    from faults.results import read, tally
    from faults.table import to_markdown

    found = {
        name: [one for seed in seeds if (one := read(_folder(options), name, seed)) is not None]
        for name in names
    }
    tallies = [tally(DRILLS[name], results) for name, results in found.items() if results]
    dates = sorted({one.date for results in found.values() for one in results})
    table = to_markdown(tallies, seeds, " and ".join(dates))
    short = [
        f"{DRILLS[name].title} ({len(results)} of {len(seeds)})"
        for name, results in found.items()
        if len(results) < len(seeds)
    ]
    if short and options.cases is None:
        table += f"\nNot yet with all seeds: {'; '.join(short)}.\n"
    print(table)
    if options.write:
        text = options.write.read_text(encoding="utf-8")
        before, _, rest = text.partition(f"{MARK}\n")
        after = rest.partition(MARK)[2]
        options.write.write_text(f"{before}{MARK}\n{table}{MARK}{after}", encoding="utf-8")


def _parser(names: list[str]) -> argparse.ArgumentParser:
    from conftest import REPOSITORY

    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("--only", action="append", choices=names, help="a drill; may be repeated")
    parser.add_argument("--seed", action="append", type=int, help="seeds, 1, 2 and 3 by default")
    parser.add_argument("--cases", type=int, help="of each drill and seed, all by default")
    parser.add_argument("--share", type=float, default=1.0, help="of the cases of each drill")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--write", type=Path, help="page whose table is replaced")
    parser.add_argument(
        "--missing", action="store_true", help="only what has no result of the present code"
    )
    parser.add_argument(
        "--results", type=Path, default=REPOSITORY / "results/faults/runs", help="kept results"
    )
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
