"""Cut flows of events and of jets, and rows without one class, added up over chunks of a file."""

from collections import Counter

import numpy as np

from calovision.conversion.jet_cuts import LEADING
from calovision.conversion.recipe import ImageRecipe
from calovision.conversion.row_labels import OF_CLASS, OF_ONE, misfit_warning
from calovision.conversion.rows import ImageRows
from calovision.conversion.sample import Sample
from calovision.core.account import Count
from calovision.images.masked import MaskCounts

CutFlow = list[tuple[str, int, float]]


class RowCounts:
    """Counts of the rows of a file.

    Parameters
    ----------
    recipe, sample
        Of the images.
    n_generated, sum_of_weights
        Generated events, with which the cut flow begins.

    Attributes
    ----------
    cut_flow, jet_cut_flow
        (cut, events or jets, sum of weights); that of jets is empty for images of events.
    read
        Events that were read, before any cut.
    misfits
        Rows of no class and of several, as of `calovision.conversion.row_labels.RowLabels`.
    masked
        What a mask changed; None without one, or without rows.
    """

    def __init__(
        self,
        recipe: ImageRecipe,
        sample: Sample,
        n_generated: int = 0,
        sum_of_weights: float = 0.0,
    ) -> None:
        of_labels = (OF_CLASS, OF_ONE) if sample.class_cuts else ()
        is_of_jets = recipe.jets is not None
        of_events = (*recipe.preselection, *(() if is_of_jets else of_labels))
        of_jets = (LEADING, *recipe.jet_selection, *of_labels) if is_of_jets else ()
        self.cut_flow: CutFlow = [("generated", n_generated, sum_of_weights), *_nothing(of_events)]
        self.jet_cut_flow: CutFlow = _nothing(of_jets)
        self.read = Count(absolute=0.0)
        self.misfits: Counter[tuple[str, ...]] = Counter()
        self.masked: MaskCounts | None = None
        self._n_labelled = 0

    def add(self, rows: ImageRows, weights: np.ndarray) -> None:
        """Count the rows of a chunk, and its events by their weights ``(n_events,)``."""
        self.read += Count.of(weights)
        self.cut_flow[1:] = _added(self.cut_flow[1:], rows.cut_flow)
        self.jet_cut_flow = _added(self.jet_cut_flow, rows.jet_cut_flow)
        self.misfits += rows.misfits
        if rows.masked is not None:
            self.masked = rows.masked if self.masked is None else self.masked + rows.masked
        self._n_labelled += len(rows.images) + sum(rows.misfits.values())

    def warnings(self) -> dict[str, str]:
        """Sentence on rows that were left out, by what it is about; none if there are none."""
        what = "jets" if self.jet_cut_flow else "events"
        sentence = misfit_warning(self.misfits, self._n_labelled, what)
        return {"classes": sentence} if sentence else {}


def _nothing(steps: tuple[str, ...]) -> CutFlow:
    return [(name, 0, 0.0) for name in steps]


def _added(cut_flow: CutFlow, more: CutFlow) -> CutFlow:
    """Cut flow of two sets of rows."""
    return [
        (name, n_rows + n_more, total + weight)
        for (name, n_rows, total), (_, n_more, weight) in zip(cut_flow, more, strict=True)
    ]
