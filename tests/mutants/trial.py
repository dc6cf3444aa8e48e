"""A sample of a target's mutations, each tried with the tests that run its line."""

import difflib
import random
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from mutants.equal import EQUAL
from mutants.mutations import Mutation, lines_together, mutations_of
from mutants.run import Report, Test, is_killed, run_unchanged
from mutants.targets import SOURCES, Target


@dataclass
class Trial:
    """What came of a target: numbers of mutants, of those that change nothing (`EQUAL`), and those
    that no test noticed.
    """

    name: str
    n_possible: int
    n_tried: int = 0
    n_equal: int = 0
    survivors: list[Mutation] = field(default_factory=list)

    @property
    def n_killed(self) -> int:
        """Mutants that a test noticed."""
        return self.n_tried - self.n_equal - len(self.survivors)


def try_target(
    name: str, target: Target, n_sample: int, seed: int, n_processes: int, known: set[str]
) -> Trial:
    """Try a sample of the mutants of a target; those known to be killed count without a run."""
    mutations = [mutation for file in target.module_files for mutation in mutations_of(file)]
    sample = random.Random(f"{name} {seed}").sample(mutations, min(n_sample, len(mutations)))
    new = [mutation for mutation in sample if label(mutation) not in EQUAL]
    trial = Trial(name, len(mutations), len(sample), len(sample) - len(new))
    new = [mutation for mutation in new if label(mutation) not in known]
    if not new:
        return trial
    unchanged = run_unchanged(target.test_files, target.module_files)
    _say_what_is_left_out(name, unchanged)
    with ThreadPoolExecutor(n_processes) as pool:
        outcomes = pool.map(lambda mutation: _notices(mutation, unchanged), new)
        for number, (mutation, killed) in enumerate(zip(new, outcomes, strict=True), start=1):
            if killed:
                known.add(label(mutation))
            else:
                trial.survivors.append(mutation)
                print(f"[{number}/{len(new)}]", difference(mutation), file=sys.stderr, flush=True)
    return trial


def label(mutation: Mutation) -> str:
    """A mutant in a line of text: its file, and the lines as they become."""
    became = " ".join(line[1:].strip() for line in _changed(mutation) if line[0] == "+")
    return f"{mutation.file.relative_to(SOURCES)}: {became}"


def difference(mutation: Mutation) -> str:
    """A mutant in lines: where it is, and the lines that it changes."""
    where = f"{mutation.file.relative_to(SOURCES)}:{mutation.line}"
    return "\n    ".join([where, *_changed(mutation)])


def _changed(mutation: Mutation) -> list[str]:
    before = mutation.file.read_text(encoding="utf-8").splitlines()
    lines = difflib.unified_diff(before, mutation.source().splitlines(), lineterm="", n=0)
    return [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]


def _notices(mutation: Mutation, unchanged: Report) -> bool:
    """Whether tests of the line notice a mutation, or else any test of the module."""
    tried: list[Test] = []
    for tests in _tests_of(mutation, unchanged):
        if tests and len(tests) > len(tried) and is_killed(mutation, tests):
            return True
        tried = tests
    return False


def _tests_of(mutation: Mutation, unchanged: Report) -> Iterator[list[Test]]:
    contexts = unchanged.contexts[mutation.file]
    of_line = {
        context
        for line in lines_together(mutation.file).get(mutation.line, [])
        for context in contexts.get(line, [])
    }
    if "" not in of_line:  # what an import runs may decide any test
        yield _quick_first(of_line, unchanged.tests)
    if of_line:
        of_module = {context for found in contexts.values() for context in found}
        chosen = _quick_first(of_module, unchanged.tests)
        # of constants alone nothing is traced but the import
        yield chosen or sorted(
            (test for test in unchanged.tests if test.passed), key=lambda test: test.seconds
        )


def _quick_first(contexts: set[str], tests: Sequence[Test]) -> list[Test]:
    chosen = [
        test
        for test in tests
        if test.passed and (test.name in contexts or test.name.partition("::")[0] in contexts)
    ]
    return sorted(chosen, key=lambda test: test.seconds)


def _say_what_is_left_out(name: str, unchanged: Report) -> None:
    failed = [test.name for test in unchanged.tests if not test.passed]
    seconds = sum(test.seconds for test in unchanged.tests)
    print(f"{name}: {len(unchanged.tests)} tests in {seconds:.0f} s", file=sys.stderr)
    left_out = (f"  does not pass here in time: {test}\n" for test in failed)
    print(*left_out, sep="", end="", file=sys.stderr, flush=True)


def read_known(file: Path | None) -> set[str]:
    """Labels of mutants that were killed before, none without a file."""
    if file is None or not file.exists():
        return set()
    return set(file.read_text(encoding="utf-8").splitlines())
