"""Results of drills, kept from call to call: a file for each drill and seed, of which the table is
written.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from faults.cases import Drill, Judgement, Outcome, Tally


@dataclass(frozen=True)
class Result:
    """All cases of a drill with one seed.

    Attributes
    ----------
    date
        Of the run, as in ISO 8601.
    code
        Hash of what was tried.
    """

    drill: str
    seed: int
    date: str
    code: str
    seconds: float
    judged: list[tuple[str, Judgement]]

    def save(self, folder: Path) -> None:
        """Write it in the place of an older one."""
        folder.mkdir(parents=True, exist_ok=True)
        rows = [(name, one.outcome.value, one.seen) for name, one in self.judged]
        text = json.dumps({**vars(self), "judged": rows}, indent=0)
        _path(folder, self.drill, self.seed).write_text(text)


def read(folder: Path, drill: str, seed: int) -> Result | None:
    """Result of an earlier call; None if there is none."""
    path = _path(folder, drill, seed)
    if not path.exists():
        return None
    found = json.loads(path.read_text())
    judged = [(name, Judgement(Outcome(one), seen)) for name, one, seen in found.pop("judged")]
    return Result(**found, judged=judged)


def tally(drill: Drill, results: Iterable[Result]) -> Tally:
    """Row of the table of some results of a drill."""
    return Tally(drill, [one for result in results for one in result.judged])


def _path(folder: Path, drill: str, seed: int) -> Path:
    return folder / f"{drill}_{seed}.json"
