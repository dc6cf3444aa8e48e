"""Check of what came out of a conversion: images that are empty or lie outside the grid, variables
of jets without values.
"""

from collections.abc import Mapping

import numpy as np

from calovision.conversion.recipe import ImageRecipe
from calovision.images import SparseImages
from calovision.jets import JET_VARIABLES

MOSTLY = 0.5  # share of empty images above which something is wrong with most of them
LARGEST_OVERFLOW = {"event": 0.6, "jet": 0.25}
"""Share of a channel outside the images that is told. Genuine events have up to 0.12 of their
transverse energy, and 0.54 of their energy, beyond |eta| = 2.5; a jet should be inside."""
ENOUGH_ROWS = 1000  # whose content is added up
ENOUGH_JETS = 100  # among which a variable should have one value


class ImageCheck:
    """Counts of empty images and sums of what is inside and outside, over the rows of a file.

    Parameters
    ----------
    recipe
        Recipe of the images.
    """

    def __init__(self, recipe: ImageRecipe) -> None:
        self.recipe = recipe
        self.kind = "event" if recipe.jets is None else "jet"
        self.channels = recipe.image_channels
        self.n_events = 0
        self.n_weighted = 0
        self.n_rows = 0
        self.n_empty = 0
        self._without_value = set(recipe.jet_variables)
        self._n_added = 0
        self._inside = np.zeros(len(self.channels))
        self._outside = np.zeros(len(self.channels))

    def add_weights(self, weights: np.ndarray) -> None:
        """Count the weights ``(n,)`` of events before any cut."""
        self.n_events += len(weights)
        self.n_weighted += int(np.count_nonzero(weights))

    def add(self, images: SparseImages, overflow: np.ndarray) -> None:
        """Count rows, with what is outside of them, ``(n, n_channels)``."""
        self.n_rows += len(images)
        self.n_empty += int(np.count_nonzero(np.diff(images.offsets) == 0))
        if missing := min(ENOUGH_ROWS - self._n_added, len(images)):
            first = images.part(0, missing)
            channel = first.cells // np.prod(first.shape[1:])
            self._inside += np.bincount(channel, first.values, len(self.channels))
            self._outside += overflow[:missing].sum(axis=0)
            self._n_added += missing

    def add_variables(self, columns: Mapping[str, np.ndarray]) -> None:
        """Look for values of the variables of jets, ``(n,)`` each, that are neither 0 nor NaN."""
        for name in list(self._without_value):
            values = columns[name]
            if np.any(np.isfinite(values) & (values != 0)):
                self._without_value.remove(name)

    def warnings(self) -> dict[str, str]:
        """Sentences by what they are about; none if nothing is odd."""
        found = {
            "weights": self._weights(),
            "images": self._without_jets() or self._empty(),
            "overflow": self._beyond(),
            "jet variables": self._valueless(),
        }
        return {what: text for what, text in found.items() if text}

    def _weights(self) -> str:
        if not self.n_events or self.n_weighted:
            return ""
        return (
            f"the weights of all {self.n_events} events are 0; choose another weight in the schema"
        )

    def _without_jets(self) -> str:
        """Files none of whose events has a fat jet; what a preselection leaves is in the cut
        flow.
        """
        if self.n_rows or not self.n_events or self.kind == "event" or self.recipe.preselection:
            return ""
        cuts = self.recipe.fat_jets
        return (
            f"there are none, as no event has a fat jet with pT above {cuts.pt_min:g} GeV and "
            f"|eta| below {cuts.eta_max:g}; choose softer jets"
        )

    def _empty(self) -> str:
        if not self.n_rows or self.n_empty <= MOSTLY * self.n_rows:
            if self.kind == "event" or not self.n_empty:
                return ""
            return (
                f"{self.n_empty} of {self.n_rows} images are empty, of jets without constituents "
                "in the window; leave them out by a cut on jets, as n_constituents > 0"
            )
        number = (
            f"all {self.n_rows}"
            if self.n_empty == self.n_rows
            else f"{self.n_empty} of {self.n_rows}"
        )
        reason = (
            "what the file has lies outside of them; choose a wider range in eta"
            if self._outside.any() and not self._inside.any()
            else "the file holds nothing for them; look at the branches that they are made of"
        )
        return f"{number} images are empty: {reason}"

    def _valueless(self) -> str:
        names = [name for name in self.recipe.jet_variables if name in self._without_value]
        if not names or self.n_rows < ENOUGH_JETS:
            return ""
        taken = [name for name in names if JET_VARIABLES[name].of_file]
        remedy = (
            "; if the file's own branches of them are empty, as those of Delphes without its "
            "ComputeNsubjettiness are, take a schema without them (tau1: none) so that they are "
            "computed"
            if taken
            else "; look at the branches of the constituents"
        )
        return (
            f"the variables {', '.join(names)} are 0 or not defined in all {self.n_rows} "
            f"jets{remedy}"
        )

    def _beyond(self) -> str:
        """Channels of which much is outside, unless nothing is inside."""
        total = self._inside + self._outside
        share = np.divide(self._outside, total, out=np.zeros_like(total), where=total > 0)
        beyond = np.flatnonzero((share > LARGEST_OVERFLOW[self.kind]) & (self._inside != 0))
        if not len(beyond):
            return ""
        channels = ", ".join(f"{share[at]:.0%} of {self.channels[at]}" for at in beyond)
        remedy = "range in eta" if self.kind == "event" else "window"
        return f"{channels} is outside the images; choose a wider {remedy}"
