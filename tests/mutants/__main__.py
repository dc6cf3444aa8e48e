"""The command line: tries mutants of the targets, prints the table and those that survived."""

import argparse
import os
import sys
from datetime import date
from pathlib import Path

MARK = "<!-- the table of `make mutants` -->"


def main(arguments: list[str] | None = None) -> int:
    """Try what is asked for; 1 if a target has too few killed, else 0."""
    os.environ["NUMBA_DISABLE_JIT"] = "1"
    for library in ("OMP", "MKL", "OPENBLAS", "NUMBA", "NUMEXPR"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    from mutants.table import LEAST, to_markdown
    from mutants.targets import TARGETS
    from mutants.trial import difference, read_known, try_target

    options = _parser(list(TARGETS)).parse_args(arguments)
    known, trials = read_known(options.known), []
    for name in options.only or TARGETS:
        trials.append(
            try_target(name, TARGETS[name], options.sample, options.seed, options.processes, known)
        )
        if options.known:
            options.known.write_text("".join(f"{label}\n" for label in sorted(known)), "utf-8")
    table = to_markdown(trials, options.seed, date.today().isoformat())
    print(table)
    print(*(difference(mutation) for trial in trials for mutation in trial.survivors), sep="\n")
    if options.write:
        text = options.write.read_text(encoding="utf-8")
        before, _, rest = text.partition(f"{MARK}\n")
        after = rest.partition(MARK)[2]
        options.write.write_text(f"{before}{MARK}\n{table}{MARK}{after}", encoding="utf-8")
    return int(any(trial.n_killed < LEAST * (trial.n_tried - trial.n_equal) for trial in trials))


def _parser(names: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mutants", description=__doc__)
    parser.add_argument("--only", action="append", choices=names, help="a target; may be repeated")
    parser.add_argument("--sample", type=int, default=60, help="mutants of each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--known",
        type=Path,
        help="file of mutants that were killed; not tried again, new ones kept",
    )
    parser.add_argument("--write", type=Path, help="page whose table is replaced")
    return parser


if __name__ == "__main__":
    sys.exit(main())
