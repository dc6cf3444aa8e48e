"""Own fat jets of a file, and what their images are made of: without constituents, of towers that
are clustered again with the radius of the jets; for trimmed jets, of the constituents that trimming
keeps.
"""

import logging
from dataclasses import dataclass, field, replace

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
    """Recipe whose radius is that of the file's own jets, where images of these are made and it is
    known.
    """
    is_own = recipe.variation is None and "fat_jets" in info.collections
    if info.fat_jet_radius is None or recipe.jets is None or not is_own:
        return recipe
    return replace(recipe, fat_jets=replace(recipe.fat_jets, radius=info.fat_jet_radius))


@dataclass
class SameJets:
    """Comparison of the jets of a file with what is in their images.

    Attributes
    ----------
    recipe, info
        Recipe with the radius of the file's jets, and the description of the file.
    """

    recipe: ImageRecipe
    info: NtupleInfo
    _ratios: list[np.ndarray] = field(default_factory=list)

    def add(self, ratios: np.ndarray | None) -> None:
        """Add the ratios of the pT in the images to that of the jets; None adds nothing."""
        if ratios is not None:
            self._ratios.append(np.nan_to_num(ratios))

    def finish(self) -> None:
        """Log how well they agree.

        Raises
        ------
        BadFileError
            If the jets are clustered again with a radius that may not be theirs, and fewer than
            `SMALLEST_SHARE` of them are the same.
        """
        ratios = np.concatenate([*self._ratios, np.zeros(0)])
        if not len(ratios):
            return
        share = float(np.mean(np.abs(ratios - 1) < SAME_PT))
        found = (
            f"{self.info.path}: {self._content()} have {np.median(ratios):.3g} of the pT of the "
            f"fat jets of the file (median of {len(ratios)}), the same within {SAME_PT:.0%} for "
            f"{share:.0%}"
        )
        is_same = share >= SMALLEST_SHARE
        if are_clustered_again(self.recipe, self.info):
            if self.info.fat_jet_radius is not None:
                is_same = abs(np.median(ratios) - 1) <= LARGEST_DEVIATION
            elif not is_same:
                raise BadFileError(f"{found}: these are other jets; {self._way_out()}")
        logger.log(logging.INFO if is_same else logging.WARNING, "%s", found)

    def _content(self) -> str:
        """Words for what is in the images."""
        jets = self.recipe.fat_jets
        trimmed = f", trimmed with r_sub = {jets.r_sub:g} and f_cut = {jets.f_cut:g}"
        if not are_clustered_again(self.recipe, self.info):
            return f"constituents{trimmed},"
        return (
            f"towers clustered with R = {jets.radius:g}{trimmed if jets.groomed else ''}, since "
            "there are no constituents,"
        )

    def _way_out(self) -> str:
        of_trimming = (
            ", and r_sub and f_cut of its trimming" if self.recipe.fat_jets.groomed else ""
        )
        return (
            "give the radius of the file's own (fat_jets.radius of the configuration, --radius, or "
            "fat_jet_radius of a schema, which counts for calibrated jets, too)" + of_trimming
        )
