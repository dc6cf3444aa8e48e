"""Arguments of the kernels and of the numpy reference: the steps of a recipe as numbers, and jets
as flat arrays.
"""

from typing import NamedTuple

import numpy as np

from calovision.images.areas import Axes, Pieces, coordinates_of, divide
from calovision.images.grid import JetGrid
from calovision.images.jet_images.recipe import JetImageRecipe

FLIP_PARITY, FLIP_QUADRANT, FLIP_THIRD_MAXIMUM = 1, 2, 3
L1_IMAGE, L1_JET = 1, 2
FLIPS = {
    None: 0,
    "parity": FLIP_PARITY,
    "quadrant": FLIP_QUADRANT,
    "third_maximum": FLIP_THIRD_MAXIMUM,
}
NORMALIZATIONS = {None: 0, "l1": L1_IMAGE, "l1_jet": L1_JET}

ISOTROPIC = (
    1e-12  # of the trace: eigenvalues of the pT tensor that differ by less do so by rounding alone
)


class Steps(NamedTuple):
    """A recipe after the selection of constituents, in numbers that numba takes."""

    n_eta: int
    n_phi: int
    width: float
    centroid: bool
    rotate: bool
    flip: int
    normalize: int


class FlatJets(NamedTuple):
    """Jets i with the constituents ``offsets[i]:offsets[i + 1]`` of flat float64 arrays.

    Attributes
    ----------
    offsets
        int64 ``(n_jets + 1,)``, starting at 0.
    pt, eta, phi
        ``(n,)``, GeV and rad; eta and phi may be NaN or infinite.
    contents
        ``(n_channels, n)``: what each constituent adds to each channel.
    centers
        eta and phi of the middle of the image, ``(n_jets, 2)``; not used where it is the centroid.
    below
        eta and phi of what is to be put straight below the middle, ``(n_jets, 2)``; NaN: rotate by
        the principal axis.
    sizes
        Full widths along eta and phi, ``(n, 2)``; ``(0, 2)`` where constituents are points.
    scaled
        bool ``(n_channels,)``: channels that are normalized.
    """

    offsets: np.ndarray
    pt: np.ndarray
    eta: np.ndarray
    phi: np.ndarray
    contents: np.ndarray
    centers: np.ndarray
    below: np.ndarray
    sizes: np.ndarray
    scaled: np.ndarray

    def part(self, first: int, last: int) -> "FlatJets":
        """Jets ``first:last``; contiguous, so that the kernels are compiled once."""
        start, stop = self.offsets[first], self.offsets[last]
        return self._replace(
            offsets=self.offsets[first : last + 1] - start,
            pt=self.pt[start:stop],
            eta=self.eta[start:stop],
            phi=self.phi[start:stop],
            contents=np.ascontiguousarray(self.contents[:, start:stop]),
            centers=self.centers[first:last],
            below=self.below[first:last],
            sizes=self.sizes[start:stop] if len(self.sizes) else self.sizes,
        )


def steps_of(recipe: JetImageRecipe) -> Steps:
    """Steps of a recipe that are taken after the selection of the constituents."""
    return Steps(
        n_eta=recipe.grid.n_eta,
        n_phi=recipe.grid.n_phi,
        width=float(recipe.grid.width),
        centroid=recipe.center == "centroid",
        rotate=recipe.rotate is not None,
        flip=FLIPS[recipe.flip],
        normalize=NORMALIZATIONS[recipe.normalize],
    )


def divided(
    jets: FlatJets, steps: Steps, x: np.ndarray, y: np.ndarray
) -> tuple[FlatJets, np.ndarray, np.ndarray]:
    """Jets whose constituents are divided among the cells, and the coordinates of the pieces, the
    middles of the cells; ``x`` and ``y`` ``(n,)`` are those of the constituents.

    Counts go to the piece with the middle of the constituent.
    """
    grid = JetGrid(steps.n_eta, steps.n_phi, steps.width)
    axes = Axes.of(grid)
    pieces = divide(x, y, *jets.sizes.T, axes)
    share = pieces.share
    if not jets.scaled.all():
        share = np.where(jets.scaled[:, None], share, _has_middle(pieces, grid.cell_index(x, y)))
    of_pieces = jets._replace(
        offsets=pieces.ends[jets.offsets],
        pt=jets.pt[pieces.member] * pieces.share,
        eta=jets.eta[pieces.member],
        phi=jets.phi[pieces.member],
        contents=jets.contents[:, pieces.member] * share,
        sizes=np.empty((0, 2)),
    )
    return of_pieces, *coordinates_of(pieces, axes)


def _has_middle(pieces: Pieces, cell: np.ndarray) -> np.ndarray:
    """Booleans of the pieces, one true for each constituent: the one in the ``cell`` of its
    middle, the first where rounding leaves none.
    """
    found = pieces.cell == cell[pieces.member]
    without = np.bincount(pieces.member[found], minlength=len(cell)) == 0
    found[pieces.ends[:-1][without]] = True
    return found
