"""Figures of a rule, drawn from the inputs of its stage."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from calovision.plotting import save_figure
from calovision.report.figure import ReportFigure
from calovision.report.figures import FIGURES


def draw_figures(
    rule: str,
    output: Mapping[str, Any],
    inputs: Any = None,
    *,
    events: Mapping[str, Sequence[Any]] | None = None,
) -> None:
    """Draw the figures of a rule and write each as PDF and PNG.

    Parameters
    ----------
    rule
        Rule of the workflow.
    output
        Output files of the rule by name: a figure has the name of its PNG file. Figures that are
        not among them are not drawn.
    inputs
        Inputs of the stage, an object with these as attributes.
    events
        Name of a numbered figure -> inputs for each of its events.

    Raises
    ------
    InputError
        If a figure has no function that draws it, or takes an input that does not exist.
    """
    for figure in FIGURES.values():
        if figure.rule == rule:
            for name, of_figure in _inputs_by_name(figure, inputs, events or {}):
                if name in output:
                    save_figure(figure.draw_from(of_figure), Path(output[name]).with_suffix(""))


def _inputs_by_name(
    figure: ReportFigure, inputs: Any, events: Mapping[str, Sequence[Any]]
) -> Iterator[tuple[str, Any]]:
    """Names of the files of a figure with the inputs for each."""
    if not figure.is_numbered:
        yield figure.name, inputs
        return
    for number, event in enumerate(events[figure.name], start=1):
        yield f"{figure.name}_{number}", event
