"""Fat jets of a file that are imaged without constituents of their own: from the towers, clustered
again with their radius.
"""

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from calovision.conversion.recipe import ImageRecipe
from calovision.core.errors import BadFileError
from calovision.ntuples import NtupleInfo

logger = logging.getLogger(__name__)

SAME_PT = 0.01  # largest relative difference of the pT of a jet and of the towers in its image
SMALLEST_SHARE = 0.95
"""Share of the jets that must have the same pT. Measured on genuine Delphes files: 1.0 with the
radius of the jets, 0.6 (QCD) and 0.4 (RPV) for jets of R = 0.8 that are clustered with 1.0."""
LARGEST_DEVIATION = 0.25  # of the median, for jets whose radius is known


def are_clustered_again(recipe: ImageRecipe, info: NtupleInfo) -> bool:
    """Return True if the images are of the file's own jets, but made of towers."""
    is_own = recipe.variation is None and "fat_jets" in info.collections
    return recipe.jets is not None and is_own and "constituents" not in info.collections


def recipe_of_file(recipe: ImageRecipe, info: NtupleInfo) -> ImageRecipe:
    """Recipe whose radius is that of the file's own jets, where these are clustered again and it is
    known.
    """
    if info.fat_jet_radius is None or not are_clustered_again(recipe, info):
        return recipe
    return replace(recipe, fat_jets=replace(recipe.fat_jets, radius=info.fat_jet_radius))


@dataclass
class SameJets:
    """Comparison of the jets of a file with the towers in their images.

    Attributes
    ----------
    path
        The file.
    radius
        That of the clustering.
    is_known
        The radius is that of the file's jets, as its schema says.
    """

    path: Path | str
    radius: float
    is_known: bool
    _ratios: list[np.ndarray] = field(default_factory=list)

    def add(self, ratios: np.ndarray | None) -> None:
        """Add the ratios of the pT of the towers to that of their jets; None adds nothing."""
        if ratios is not None:
            self._ratios.append(np.nan_to_num(ratios))

    def finish(self) -> None:
        """Tell how well they agree.

        Raises
        ------
        BadFileError
            If the radius is not known and fewer than `SMALLEST_SHARE` of the jets are the same.
        """
        ratios = np.concatenate([*self._ratios, np.zeros(0)])
        if not len(ratios):
            return
        share = float(np.mean(np.abs(ratios - 1) < SAME_PT))
        found = (
            f"{self.path}: the fat jets of the file have no constituents; towers that are "
            f"clustered with R = {self.radius:g} have {np.median(ratios):.3g} of their pT (median "
            f"of {len(ratios)}), the same within {SAME_PT:.0%} for {share:.0%}"
        )
        if self.is_known:
            is_far = not abs(np.median(ratios) - 1) <= LARGEST_DEVIATION
            logger.log(logging.WARNING if is_far else logging.INFO, "%s", found)
        elif share < SMALLEST_SHARE:
            raise BadFileError(
                f"{found}: these are other jets; give the radius of the file's own (fat_jets."
                "radius of the configuration, --radius, or fat_jet_radius of a schema, which "
                "counts for calibrated jets, too)"
            )
        else:
            logger.info("%s", found)
