"""Sample that the events of a file belong to: its name, class, cross-section and weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from calovision.core.classes import OF_ROWS
from calovision.core.errors import InputError
from calovision.core.registry import nearest


@dataclass(frozen=True)
class WeightOptions:
    """Meaning of the weights of a file.

    Attributes
    ----------
    index
        Which of several generator weights counts; 0 is the nominal one.
    include_cross_section
        The generator weights contain the cross-section: their mean over the generated events is the
        cross-section in pb, and no other is applied.
    n_generated, sum_of_weights
        Generated events before any filter, and the sum of their weights: a number, the path of a
        counter histogram in the file, or None for what the file says.
    """

    index: int = 0
    include_cross_section: bool = False
    n_generated: int | str | None = None
    sum_of_weights: float | str | None = None

    def of_file(self, number: int, n_files: int | None) -> "WeightOptions":
        """Options of one of n files: numbers are those of all files, and every file takes an equal
        share along.
        """
        shares: dict[str, float] = {}
        if isinstance(self.n_generated, int):
            shares["n_generated"] = self.n_generated // n_files + (
                number < self.n_generated % n_files
            )
        if isinstance(self.sum_of_weights, int | float):
            shares["sum_of_weights"] = self.sum_of_weights / n_files
        return replace(self, **shares)


@dataclass(frozen=True)
class Sample:
    """One process of the analysis, to which all events of its files belong.

    Attributes
    ----------
    name
        The name, from which the split of its events is drawn (unless the recipe names a group).
    label
        1 for signal, 0 for background; with classes the position of one, or
        `calovision.core.classes.OF_ROWS`.
    cross_section_pb
        Cross-section, pb; the file's own if None.
    cross_section_required
        False stores NaN where no cross-section is known, for images that need no weights.
    weights
        Meaning of the generator weights.
    classes
        Names of the classes, whose positions are the labels; none for background and signal.
    class_cuts
        With the label `OF_ROWS`: expression on branches of the files for each class that rows may
        be of, by its name. Rows that fit none of them, or several, are left out.
    """

    name: str
    label: int
    cross_section_pb: float | None = None
    cross_section_required: bool = True
    weights: WeightOptions = WeightOptions()
    classes: tuple[str, ...] = ()
    class_cuts: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.class_cuts and self.label != OF_ROWS:
            raise InputError(
                f"sample '{self.name}': class_cuts give each row its label, so that the "
                f"sample has none: give {OF_ROWS}, not {self.label}"
            )
        for name in self.class_cuts:
            if name not in self.classes:
                raise InputError(
                    f"sample '{self.name}': there is no class '{name}'{nearest(name, self.classes)}"
                    f"; choose from {', '.join(self.classes) or 'none'}"
                )

    @classmethod
    def of(cls, sample: "str | Sample", label: int | None) -> "Sample":
        """Return the sample, or that of a name and a label.

        Raises
        ------
        TypeError
            If the label of a name is missing, or that of a sample is given again.
        """
        if isinstance(sample, Sample) != (label is None):
            raise TypeError("give sample=Sample(name, label, ...), or sample=name and label=0 or 1")
        return sample if isinstance(sample, Sample) else cls(sample, label)

    def of_file(self, number: int, n_files: int | None) -> "Sample":
        """Return the sample for one of its files (`WeightOptions.of_file`)."""
        return replace(self, weights=self.weights.of_file(number, n_files))
