"""Choices of the page to explore."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from calovision.core.titles import in_words
from calovision.jets.signed import SignedVariable
from calovision.plotting.style import CLASSIFIER_NAMES
from calovision.stages.arguments import Options

NAMES = {**CLASSIFIER_NAMES, "boosting": "Boosted trees"}


@dataclass(frozen=True)
class ExploreOptions(Options):
    """Choices of `write_explorer`.

    Attributes
    ----------
    is_search
        Whether signal and background of events are compared; else classes, by taggers.
    title
        Heading of the page.
    class_titles, class_colors
        Of the classes by name, in the order of their labels; None for a color of the style.
    sample_titles, variables, classifiers
        Titles of samples, of variables with their units, and of classifiers by name.
    n_gallery, seed
        Rows of the gallery at most, and the seed of their draw.
    luminosity_fb, background_uncertainty, least_n_eff
        Of the expected events, of the significance, and background events below which that is no
        measurement.
    axis
        ``"efficiency"`` of the background in the ROC curves, or its ``"rejection"``.
    report
        Name of the report, which lies beside the page.
    """

    is_search: bool
    title: str
    class_titles: Mapping[str, str]
    class_colors: Mapping[str, str | None]
    sample_titles: Mapping[str, str]
    variables: Mapping[str, str]
    n_gallery: int
    seed: int
    luminosity_fb: float
    background_uncertainty: float
    least_n_eff: float
    axis: str
    report: str
    classifiers: Mapping[str, str] = field(default_factory=dict)

    def classifier_title(self, name: str) -> str:
        """Title of a classifier, plain text."""
        return in_words(self.classifiers.get(name) or NAMES.get(name, name))

    def is_variable(self, name: str) -> bool:
        """Tell whether the scores of a classifier are values of a variable, and no logits."""
        if not self.is_search or SignedVariable.FORM.fullmatch(name) is None:
            return False
        return SignedVariable.read(name).name in self.variables
