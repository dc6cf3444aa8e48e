"""The command line: runs what is asked for, prints its table, fails if something grows."""

import argparse
import os
import sys
import tempfile
import warnings
from datetime import date
from pathlib import Path

MARK = "<!-- the table of `make long` -->"
SEEDS = (1, 2, 3)


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; 1 if something grows that must not, else 0."""
    for library in ("OMP", "MKL", "OPENBLAS", "NUMBA", "NUMEXPR"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    from long.outcome import COLUMNS
    from long.registry import RUNS

    options = _parser(list(RUNS)).parse_args(arguments)
    warnings.simplefilter("ignore")
    sizes = {} if options.steps is None else {"n": options.steps}
    rows, problems = [COLUMNS, ["---"] * len(COLUMNS)], []
    for name in options.only or RUNS:
        for seed in options.seed or SEEDS[: RUNS[name].n_seeds]:
            with tempfile.TemporaryDirectory(prefix="long-") as folder:
                found = RUNS[name].run(Path(folder), seed, **sizes)
            rows.append(found.row())
            problems += found.problems()
            print(" | ".join(rows[-1]), *found.problems(), sep="\n", file=sys.stderr, flush=True)
    lines = [f"| {' | '.join(row)} |" for row in rows]
    table = "\n".join([f"{date.today().isoformat()}", "", *lines]) + "\n"
    print(table)
    if options.write:
        text = options.write.read_text(encoding="utf-8")
        before, _, rest = text.partition(f"{MARK}\n")
        after = rest.partition(MARK)[2]
        options.write.write_text(f"{before}{MARK}\n{table}{MARK}{after}", encoding="utf-8")
    return int(bool(problems))


def _parser(names: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m long", description=__doc__)
    parser.add_argument("--only", action="append", choices=names, help="a run; may be repeated")
    parser.add_argument("--seed", action="append", type=int, help="seeds, one or more")
    parser.add_argument("--steps", type=int, help="cycles, files or hours; all by default")
    parser.add_argument("--write", type=Path, help="page whose table is replaced")
    return parser


if __name__ == "__main__":
    sys.exit(main())
