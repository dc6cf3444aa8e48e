"""The command line: runs drills with seeds, prints their table, fails if a case came to what it
must not.
"""

import argparse
import logging
import os
import sys
import time
from datetime import date
from pathlib import Path

MARK = "<!-- the table of `make faults` -->"
SEEDS = (1, 2, 3)


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; 1 if a case ended badly, else 0."""
    for library in ("OMP", "MKL", "OPENBLAS", "NUMBA", "NUMEXPR"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    from faults.cases import Tally
    from faults.registry import DRILLS
    from faults.run import run_drill
    from faults.table import bad_cases, to_markdown

    options = _parser(list(DRILLS)).parse_args(arguments)
    logging.getLogger().addHandler(logging.NullHandler())  # warnings of what drills prepare
    names = options.only or [name for name in DRILLS if name != "self_test"]
    seeds = options.seed or SEEDS
    tallies = []
    for name in names:
        start = time.monotonic()
        tallies.append(Tally(DRILLS[name]))
        for seed in seeds:
            done = run_drill(DRILLS[name], seed, options.cases, options.processes)
            tallies[-1].judged += done.judged
        n, seconds = len(tallies[-1].judged), time.monotonic() - start
        print(f"{name}: {n} cases in {seconds:.0f} s", file=sys.stderr)
        print(*bad_cases(tallies[-1:]), sep="\n", file=sys.stderr, flush=True)
    table = to_markdown(tallies, seeds, date.today().isoformat())
    print(table)
    if options.write:
        text = options.write.read_text(encoding="utf-8")
        before, _, rest = text.partition(f"{MARK}\n")
        after = rest.partition(MARK)[2]
        options.write.write_text(f"{before}{MARK}\n{table}{MARK}{after}", encoding="utf-8")
    return int(any(True for tally in tallies for _ in tally.bad))


def _parser(names: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("--only", action="append", choices=names, help="a drill; may be repeated")
    parser.add_argument("--seed", action="append", type=int, help="seeds, 1, 2 and 3 by default")
    parser.add_argument("--cases", type=int, help="of each drill and seed, all by default")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--write", type=Path, help="page whose table is replaced")
    return parser


if __name__ == "__main__":
    sys.exit(main())
