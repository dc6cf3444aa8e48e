"""The table of the drills, as Markdown."""

from collections.abc import Sequence

from faults.cases import Outcome, Tally, bad_case


def to_markdown(tallies: Sequence[Tally], seeds: Sequence[int], date: str) -> str:
    """Table of all drills with the number of cases that came to each outcome, and notes."""
    head = ["Drill", "Cases", *(outcome.value.capitalize() for outcome in Outcome)]
    rows = [
        [tally.drill.title, len(tally.judged), *(tally.count(outcome) for outcome in Outcome)]
        for tally in tallies
    ]
    lines = [_line(head), _line(["---"] * len(head)), *map(_line, rows), ""]
    lines += [f"- {tally.drill.title}: {tally.drill.note}" for tally in tallies if tally.drill.note]
    seeds_in_words = ", ".join(map(str, seeds))
    return "\n".join([f"`make faults`, seeds {seeds_in_words}; {date}.", "", *lines]) + "\n"


def bad_cases(tallies: Sequence[Tally]) -> list[str]:
    """A line for each case that came to none of what it may."""
    return [
        bad_case(tally.drill, name, judgement) for tally in tallies for name, judgement in tally.bad
    ]


def _line(cells: Sequence[object]) -> str:
    return f"| {' | '.join('' if cell == 0 else str(cell) for cell in cells)} |"
