"""Numbers of runs and lumi blocks: branches or formulas of a file, or a number in its name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calovision.core.errors import InputError
from calovision.monitoring.run_maps import WHOLE_RUN
from calovision.ntuples import Events, NtupleInfo
from calovision.ntuples.event_variables import LARGEST
from calovision.ntuples.paths import split_tree
from calovision.ntuples.row_classes import class_formula

FILE = "file"
"""In place of a branch: the number in the name of the file; ``file:PATTERN`` says which one."""
RUN, LUMI_BLOCK, SELECTED = "run", "lumi_block", "selection"
"""Names of the variables that are read."""
_NUMBER = r"(\d+)"


@dataclass(frozen=True)
class RunNumbers:
    """Place of the run and lumi block of a file.

    Attributes
    ----------
    run, lumi_block
        Branch or formula; the lumi block "" where maps are those of whole runs.
    of_file
        Number of the run of all its events, where the name of the file has it.
    selection
        Expression on branches that events must fulfil; "" takes all.
    """

    run: str = ""
    lumi_block: str = ""
    of_file: int | None = None
    selection: str = ""

    @property
    def variables(self) -> dict[str, str]:
        """Variables to read, name -> formula."""
        texts = {RUN: self.run, LUMI_BLOCK: self.lumi_block}
        found = {name: text for name, text in texts.items() if text}
        return found | ({SELECTED: class_formula(self.selection)} if self.selection else {})

    def passed(self, events: Events) -> np.ndarray:
        """Events that fulfil the selection, booleans ``(n,)``."""
        if not self.selection:
            return np.ones(len(events.event_number), dtype=bool)
        return events.variables[SELECTED] != 0

    def read(self, events: Events, path: Path | str) -> tuple[np.ndarray, np.ndarray]:
        """Runs and lumi blocks of a chunk, int64 ``(n,)`` each.

        Raises
        ------
        InputError
            If one is no whole number, or a lumi block negative.
        """
        n = len(events.event_number)
        run = np.full(n, self.of_file if self.of_file is not None else 0)
        if self.run:
            run = _whole(events, RUN, self.run, path)
        lumi_block = np.full(n, WHOLE_RUN)
        if self.lumi_block:
            lumi_block = _whole(events, LUMI_BLOCK, self.lumi_block, path, least=0)
        return run, lumi_block


def find_numbers(
    info: NtupleInfo,
    run: str | None,
    lumi_block: str | None,
    selection: str | None,
    *,
    per_lumi_block: bool,
) -> RunNumbers:
    """Numbers of a file, those of its schema where none are given.

    Parameters
    ----------
    info
        Description of the file.
    run
        Branch, formula or number; `FILE`, or it and a pattern, takes the number from the name of
        the file. None takes the branch of the schema.
    lumi_block, selection
        Branch or formula; expression on branches.
    per_lumi_block
        Maps are those of lumi blocks; without ``lumi_block``, by the branch of the schema.

    Raises
    ------
    InputError
        If the schema has no such branch and none is given; if the name of the file has no number,
        or several.
    """
    found = {"selection": selection or ""}
    if lumi_block or per_lumi_block:
        found["lumi_block"] = lumi_block or _of_schema(info, info.lumi_block, "lumi block")
    if run is not None and (run == FILE or run.startswith(f"{FILE}:")):
        return RunNumbers(of_file=number_in_name(info.path, run.partition(":")[2]), **found)
    return RunNumbers(run=run or _of_schema(info, info.run, "run"), **found)


def number_in_name(path: Path | str, pattern: str = "") -> int:
    """Number in the name of a file, or the first group of a pattern that is found in it.

    Raises
    ------
    InputError
        If there is none, or without a pattern several; if it is larger than `LARGEST`.
    """
    name = Path(split_tree(path)[0]).name
    example = f"{FILE}:run_(\\d+)"
    try:
        found = re.findall(pattern or _NUMBER, name.rpartition(".")[0] or name)
    except re.error as error:
        raise InputError(
            f"run '{FILE}:{pattern}': no pattern ({error}); give one as {example}"
        ) from None
    numbers = {one for one in found if isinstance(one, str) and one.isdecimal()}
    if len(numbers) != 1:
        what = f"{len(numbers) or 'no'} number{'s' if numbers else ''}"
        where = f" that '{pattern}' finds" if pattern else ""
        raise InputError(
            f"{path}: its name has {what}{where}, but one is needed as the number of the run; give "
            f"a pattern as {example}, or a branch"
        )
    number = int(numbers.pop())
    if number > LARGEST:
        raise InputError(
            f"{path}: the number in its name, {number}, is too large for that of a run; give a "
            f"pattern as {example}, or a branch"
        )
    return number


def require_different(numbers: Sequence[int], paths: Sequence[Path | str]) -> None:
    """Raise InputError if two files that are a run each have the same number."""
    first_of: dict[int, Path | str] = {}
    for number, path in zip(numbers, paths, strict=True):
        first = first_of.setdefault(number, path)
        if first != path:
            raise InputError(
                f"{first} and {path} have the same number of the run, {number}: with '{FILE}' each "
                f"file is a run; give a pattern, as {FILE}:run_(\\d+), where files are parts of one"
            )


def _of_schema(info: NtupleInfo, text: str | None, what: str) -> str:
    if text is None:
        option = what.replace(" ", "_")
        more = f", a number, or {FILE} where each file is a run" if option == RUN else ""
        raise InputError(
            f"{info.path}: it has no branch that its schema ({info.schema}) knows as the number of "
            f"the {what}; give one as {option}: a branch or a formula of branches{more}"
        )
    return text


def _whole(
    events: Events, name: str, text: str, path: Path | str, least: int | None = None
) -> np.ndarray:
    """Whole numbers of a variable, int64 ``(n,)``."""
    values = events.variables[name]
    with np.errstate(invalid="ignore"):
        good = (values == np.floor(values)) & (np.abs(values) <= LARGEST)
        if least is not None:
            good &= values >= least
    if len(wrong := np.flatnonzero(~good)):
        what = name.replace("_", " ")
        must = "a whole number" + ("" if least is None else ", not negative")
        raise InputError(
            f"{path}: the {what} {text} is {values[wrong[0]]:g} in entry "
            f"{events.first_entry + wrong[0]}: it must be {must}"
        )
    return values.astype(np.int64)
