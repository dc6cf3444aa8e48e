"""The table of the targets, as Markdown."""

import math
from collections.abc import Sequence

from mutants.trial import Trial

LEAST = 0.85
"""Share of the mutants of a target that the tests must notice."""


def to_markdown(trials: Sequence[Trial], seed: int, date: str) -> str:
    """Table of all targets: mutants that are possible, tried, killed, and their share."""
    head = "| Target | Possible | Tried | Change nothing | Killed | Share | 68 % interval |"
    lines = [head, "|---|---|---|---|---|---|---|"]
    for trial in trials:
        n = trial.n_tried - trial.n_equal
        low, high = interval(trial.n_killed, n)
        lines.append(
            f"| {trial.name} | {trial.n_possible} | {trial.n_tried} | {trial.n_equal or ''} "
            f"| {trial.n_killed} | {trial.n_killed / n:.0%} | {low:.0%} to {high:.0%} |"
        )
    return "\n".join([f"Seed {seed}; {date}.", "", *lines]) + "\n"


def interval(n_killed: int, n_tried: int) -> tuple[float, float]:
    """Wilson's interval of a share at one standard deviation (JASA 22 (1927) 209)."""
    share, n = n_killed / n_tried, n_tried
    centre = (share + 1 / (2 * n)) / (1 + 1 / n)
    half = math.sqrt(share * (1 - share) / n + 1 / (4 * n**2)) / (1 + 1 / n)
    return centre - half, centre + half
