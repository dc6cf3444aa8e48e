"""Text of a suggested schema."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from calovision.core.text import printable
from calovision.ntuples.suggestions.choices import Choice
from calovision.ntuples.suggestions.reasons import listed
from calovision.ntuples.suggestions.roles import Role
from calovision.ntuples.suggestions.trees import ScannedTree
from calovision.ntuples.suggestions.trial import Trial
from calovision.ntuples.suggestions.writing import choice_lines, comment_lines, joined, scalar


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
            counters,
            _further(tree, choices, reasons),
        ]
    )


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
