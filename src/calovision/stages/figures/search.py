"""Figures of the reach of the search, and of its robustness against other detectors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calovision.evaluation.results import ClassEfficiencies, MassReach, Reach, Robustness
from calovision.metrics import Efficiency
from calovision.stages.figures.drawing import draw_figures


@dataclass(frozen=True)
class ReachInputs:
    """Inputs of the figures of ``plot_reach``.

    Attributes
    ----------
    reach
        Numbers of ``reach.json``.
    limits_against_mass
        Those for signals of other masses; None without such samples.
    classifiers
        Classifiers whose limits are drawn against the mass.
    """

    reach: Reach
    limits_against_mass: MassReach | None
    classifiers: Sequence[str] = ("cnn",)


def plot_reach(numbers: Path, output: Mapping[str, Any]) -> None:
    """Draw the expected significance and limits.

    Parameters
    ----------
    numbers
        ``reach.json``.
    output
        Files by name, as of `draw_figures`.
    """
    reach = Reach.read(numbers)
    draw_figures("plot_reach", output, ReachInputs(reach, reach.against_mass))


@dataclass(frozen=True)
class RobustnessInputs:
    """Inputs of the figures of ``plot_robustness``.

    Attributes
    ----------
    signal, background
        Classifier -> variation -> efficiency of its threshold.
    """

    signal: Mapping[str, Mapping[str, Efficiency]]
    background: Mapping[str, Mapping[str, Efficiency]]


def plot_robustness(numbers: Path, output: Mapping[str, Any]) -> None:
    """Draw the efficiencies of fixed thresholds in other detectors.

    Parameters
    ----------
    numbers
        ``robustness.json``.
    output
        Files by name, as of `draw_figures`.
    """
    variations = Robustness.read(numbers).variations
    inputs = RobustnessInputs(
        signal=_by_classifier(variations, "signal"),
        background=_by_classifier(variations, "background"),
    )
    draw_figures("plot_robustness", output, inputs)


def _by_classifier(
    variations: Mapping[str, Mapping[str, ClassEfficiencies]], label: str
) -> dict[str, dict[str, Efficiency]]:
    """Efficiencies of a class, from variation -> classifier to classifier -> variation."""
    return {
        name: {variation: getattr(found[name], label) for variation, found in variations.items()}
        for name in variations["nominal"]
    }
