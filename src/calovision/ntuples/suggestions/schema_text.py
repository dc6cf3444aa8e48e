"""Text of a suggested schema."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from calovision.core.text import printable
from calovision.ntuples.suggestions.choices import Choice
from calovision.ntuples.suggestions.formulas import Line
from calovision.ntuples.suggestions.quantities import words_of
from calovision.ntuples.suggestions.reasons import listed
from calovision.ntuples.suggestions.roles import Role
from calovision.ntuples.suggestions.trees import ScannedTree
from calovision.ntuples.suggestions.trial import Trial
from calovision.ntuples.suggestions.writing import (
    choice_lines,
    comment_lines,
    joined,
    line_text,
    scalar,
)


@dataclass(frozen=True)
class EventKeys:
    """Lines of the keys of whole events, and comments on what may count generated events."""

    lines: Sequence[str]
    counters: Sequence[str] = ()


def schema_text(
    path: Path | str,
    tree: ScannedTree,
    choices: Sequence[Choice],
    keys: EventKeys,
    reasons: Sequence[str],
) -> str:
    """Text of the schema of a file.

    Parameters
    ----------
    path, tree
        The file, and its tree of events.
    choices, keys
        What the schema is made of.
    reasons
        Sentences on what was left out.
    """
    name = str(path).rpartition("/")[2]
    head = [
        f"# Schema of files like {printable(name)}, suggested by calovision inspect --suggest.",
        "# It is a start: look at each line; calovision inspect --branches lists the branches.",
    ]
    counters = []
    if keys.counters:
        text = (
            "The entries are taken for all generated events. If events were dropped, these may "
            "count them:"
        )
        counters = [*comment_lines(text), *keys.counters]
    return joined(
        [
            head,
            [f"tree: {scalar(tree.name)}", *keys.lines],
            *(choice_lines(choice) for choice in choices),
            _radius(choices),
            counters,
            _further(tree, choices, reasons),
        ]
    )


def _radius(choices: Sequence[Choice]) -> list[str]:
    """Line of the radius of the jets, where their name tells it: 0.8 for AK8."""
    labels = [choice.parts[0].label for choice in choices if choice.key == "jets"]
    match = (
        re.search(r"(ak|kt|ca)(\d{1,2})(?!\d)", "".join(words_of(labels[0]))) if labels else None
    )
    if match is None or not 2 <= int(match[2]) <= 20:
        return []
    comment = f"by the name {labels[0]}"
    return [line_text(Line("fat_jet_radius", f"{int(match[2]) / 10:g}", comment))]


def _further(tree: ScannedTree, choices: Sequence[Choice], reasons: Sequence[str]) -> list[str]:
    """Comments on what was left out."""
    used = {part.label for choice in choices for part in (*choice.parts, *choice.alternatives)}
    lines = []
    for role, words in (
        (Role.GENERATOR, "Generated, hence not what the detector saw"),
        (Role.LEPTON, "Leptons and photons, which are not used"),
    ):
        labels = [one.label for one in tree.groups if one.role is role and one.label not in used]
        if labels:
            lines += comment_lines(f"{words}: {listed(labels)}.")
    for reason in dict.fromkeys(reasons):
        lines += comment_lines(f"Not used: {reason}")
    return lines


def with_result(text: str, trial: Trial) -> str:
    """Text with what the trial gave at the end of its head."""
    head, rest = text.split("\n\n", 1)
    result = [line for one in trial.describe() for line in comment_lines(one)]
    return "\n".join([head, *result, "", rest])
