"""Fixed thresholds in other detectors: ``robustness.json``."""

from dataclasses import dataclass

from calovision.core.markdown import markdown_table
from calovision.core.result import Result
from calovision.evaluation.results.numbers import format_efficiency
from calovision.metrics import Efficiency

NOMINAL = "nominal"
"""Name of the nominal detector among the variations."""


@dataclass(frozen=True)
class ClassEfficiencies:
    """Efficiencies of a selection for both classes."""

    signal: Efficiency
    background: Efficiency


@dataclass(frozen=True)
class Robustness(Result):
    """Efficiencies of thresholds that are fixed in the nominal detector.

    Attributes
    ----------
    background_efficiency
        Of the thresholds in the nominal detector.
    thresholds
        Classifier -> threshold.
    variations
        Variation -> ``signal_region`` and classifiers -> efficiencies of the preselected test
        events; `NOMINAL` is among the variations.
    """

    background_efficiency: float
    thresholds: dict[str, float]
    variations: dict[str, dict[str, ClassEfficiencies]]

    def to_markdown(self) -> str:
        """Text and table of all variations."""
        text = (
            "Signal and background efficiencies of thresholds that are fixed in the nominal "
            f"detector at background efficiency {self.background_efficiency:.2g}."
        )
        header = ["variation", "selection", "signal", "over nominal", "background"]
        rows = [
            self._row(variation, name, found)
            for variation, selections in self.variations.items()
            for name, found in selections.items()
        ]
        return f"{text}\n\n" + "\n".join(markdown_table(header, rows)) + "\n"

    def _row(self, variation: str, name: str, found: ClassEfficiencies) -> list[str]:
        nominal = self.variations[NOMINAL][name].signal.value
        ratio = f"{found.signal.value / nominal:.3f}" if nominal > 0 else "none"
        signal, background = (format_efficiency(one) for one in (found.signal, found.background))
        return [variation, name.replace("_", " "), signal, ratio, background]
