"""Constituents of jets to jet images, all jets of a chunk at once."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import awkward as ak
import numpy as np

from calovision.core.errors import InputError
from calovision.core.numeric import whole_number
from calovision.images import SparseImages, cell_type
from calovision.images.builder import MOST_THREADS
from calovision.images.jet_images.constituents import flat_jets
from calovision.images.jet_images.recipe import JetImageRecipe
from calovision.images.jet_images.steps import FlatJets, Steps, divided, steps_of


def build_jet_images(
    constituents: ak.Array,
    recipe: JetImageRecipe,
    *,
    axes: np.ndarray | ak.Array | None = None,
    threads: int = 1,
) -> tuple[SparseImages, np.ndarray]:
    """Make an image of each jet.

    Parameters
    ----------
    constituents
        ``n_jets * var`` records pt, eta, phi of any float type, and what the channels need of
        charge, e, e_em, e_had (GeV, rad). With ``eta_size`` and ``phi_size``, their full widths,
        they are divided among the cells by area, and counted where their middle is. A jet whose
        constituents are missing (None) has none, and missing constituents are left out.
        Constituents with an eta or phi that is not finite count as outside the image and have no
        say in its middle and direction; neither have those whose pT is not positive, which are
        summed as they are.
    recipe
        What is done to the jets.
    axes
        eta and phi of each jet, ``(n_jets, 2)`` or records with these fields; for recipes centered
        on the axis.
    threads
        Number of threads among which the jets are divided; the result does not depend on it.

    Returns
    -------
    images
        Sparse rows, one a jet, ``(n_channels, n_eta, n_phi)`` around the middle. A jet without
        constituents has an empty image, and so has one without positive pT where the middle is to
        be found from the constituents.
    overflow
        float64 ``(n_jets, n_channels)``: what lies outside, divided by the same number as the
        image, so that image + overflow is the total of the selected constituents.

    Raises
    ------
    InputError
        If a field that a channel needs is missing, also in a single constituent; if axes are needed
        and missing or not finite.
    EntryError
        If anything but a coordinate is NaN, infinite or beyond 1e12 GeV; its row is the jet.
    """
    if not isinstance(recipe, JetImageRecipe):
        raise InputError(
            f"recipe is {recipe!r}: give a JetImageRecipe, one of JET_RECIPES for example"
        )
    n_ranges = min(whole_number(threads, "threads", at_least=1), MOST_THREADS)
    jets = flat_jets(constituents, recipe, axes)
    steps = steps_of(recipe)
    parts = [jets.part(first, last) for first, last in _ranges(jets.offsets, n_ranges)]
    if len(parts) == 1:
        done = [_images_of(parts[0], steps)]
    else:
        with ThreadPoolExecutor(len(parts)) as pool:
            done = list(pool.map(lambda part: _images_of(part, steps), parts))
    images, overflows = zip(*done, strict=True)
    return SparseImages.concatenate(images), np.concatenate(overflows)


def build_dense_jet_images(
    constituents: ak.Array,
    recipe: JetImageRecipe,
    *,
    axes: np.ndarray | ak.Array | None = None,
    out: np.ndarray | None = None,
    threads: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Make dense images, float32 ``(n_jets, n_channels, n_eta, n_phi)``, in ``out`` if given; see
    `build_jet_images`.

    Parameters
    ----------
    constituents, recipe, axes, threads
        As in `build_jet_images`.
    out
        Array of this shape and type that is filled and returned.

    Raises
    ------
    InputError
        As `build_jet_images`, and if ``out`` has another shape or type or is not contiguous.
    """
    sparse, overflow = build_jet_images(constituents, recipe, axes=axes, threads=threads)
    return sparse.dense(out), overflow


def _ranges(offsets: np.ndarray, n_ranges: int) -> list[tuple[int, int]]:
    """Contiguous ranges of jets with about equally many constituents; one range if there are no
    jets.
    """
    shares = np.linspace(0, offsets[-1], n_ranges + 1)
    edges = np.unique([0, *np.searchsorted(offsets, shares[1:-1]), len(offsets) - 1])
    return [(int(first), int(last)) for first, last in pairwise(edges)] or [(0, 0)]


def _images_of(jets: FlatJets, steps: Steps) -> tuple[SparseImages, np.ndarray]:
    """Images and overflow of some jets."""
    from calovision.images.jet_images.kernels import fill_rows  # these two load numba
    from calovision.images.jet_images.placement_kernels import place

    x, y = (np.empty(len(jets.pt)) for _ in range(2))
    place(jets, steps, x, y)
    if len(jets.sizes):
        jets, x, y = divided(jets, steps, x, y)
    n_jets = len(jets.offsets) - 1
    (n_channels, n_constituents) = jets.contents.shape
    shape = (n_channels, steps.n_eta, steps.n_phi)
    cells = np.empty(n_channels * n_constituents, dtype=cell_type(shape))
    values = np.empty(len(cells), dtype=np.float32)
    offsets = np.zeros(n_jets + 1, dtype=np.int64)
    overflow = np.zeros((n_jets, n_channels))
    end = fill_rows(jets, steps, x, y, offsets[1:], cells, values, overflow)
    return SparseImages(offsets, cells[:end], values[:end], shape), overflow
