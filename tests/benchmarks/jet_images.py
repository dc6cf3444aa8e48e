"""jet_images: fat jets to images with all steps on, against pixelate and histogram2d with the same
steps done by hand.

Steps: smallest pT, centroid to the middle (across phi = pi as well), principal axis upwards,
pixelation, flip by the third maximum, L1; for the dense images also subtraction of the mean and
division by the standard deviation per pixel.
"""

from collections.abc import Callable
from functools import partial

import awkward as ak
import numpy as np

from benchmarks.data import MEAN_ENERGY, SEED, FlatCollection
from benchmarks.harness import (
    Benchmark,
    Settings,
    installed,
    require_equal,
    require_equal_images,
)
from calovision.images import SparseImages
from calovision.images.grid import JetGrid
from calovision.images.jet_images import JetImageRecipe, build_dense_jet_images, build_jet_images
from calovision.storage import PixelStatistics, standardize

MEAN_CONSTITUENTS, SPREAD = 50, 0.25  # of the constituents around the axis, rad
PT_MIN = 0.5  # GeV
Pixelate = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
FLOOR = 0.02
RECIPE = JetImageRecipe(
    JetGrid(37, 37, 1.6), ("et",), PT_MIN,
    center="centroid", rotate="principal_axis", flip="third_maximum", normalize="l1",
    zero_center=True, standardize=FLOOR,
)  # fmt: skip


def make_jets(n_jets: int) -> FlatCollection:
    """Constituents ``pt, eta, phi`` around axes anywhere in |eta| < 2, float32, phi in [-pi,
    pi)."""
    rng = np.random.default_rng([SEED, 2])
    counts = rng.poisson(MEAN_CONSTITUENTS, n_jets) + 3
    eta, phi = (np.repeat(rng.uniform(-most, most, n_jets), counts) for most in (2, np.pi))
    eta, phi = eta + rng.normal(0, SPREAD, len(eta)), phi + rng.normal(0, SPREAD, len(eta))
    fields = {
        "pt": PT_MIN / 2 + rng.exponential(MEAN_ENERGY, len(eta)),
        "eta": eta,
        "phi": _wrapped(phi),
    }
    return FlatCollection(
        counts, {name: values.astype(np.float32) for name, values in fields.items()}
    )


def pixelate_with_energyflow(pt: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    from energyflow.utils import pixelate

    particles = np.stack([pt, x, y], axis=1)
    return pixelate(particles, npix=RECIPE.grid.n_eta, img_width=RECIPE.grid.width, norm=True)[
        :, :, 0
    ].T


def pixelate_with_histogram2d(pt: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    n, half = RECIPE.grid.n_eta, RECIPE.grid.width / 2
    image = np.histogram2d(x, y, bins=(n, n), range=((-half, half), (-half, half)), weights=pt)[0]
    return image / image.sum()


def image_by_hand(
    pixelate: Pixelate, pt: np.ndarray, eta: np.ndarray, phi: np.ndarray
) -> np.ndarray:
    """One jet with numpy and a function that makes a normalized image; (eta, phi), float64."""
    selected = pt >= PT_MIN
    pt, eta, phi = pt[selected], eta[selected], phi[selected]
    hardest = np.argmax(pt)
    x, y = eta - eta[hardest], _wrapped(phi - phi[hardest])
    x, y = x - np.average(x, weights=pt), y - np.average(y, weights=pt)
    angle = 0.5 * np.arctan2(2 * np.sum(pt * x * y), np.sum(pt * x * x) - np.sum(pt * y * y))
    cosine, sine = np.cos(angle), np.sin(angle)
    x, y = sine * x - cosine * y, cosine * x + sine * y
    if np.sum(pt * np.sign(y)) < 0:
        x, y = -x, -y
    image, n = pixelate(pt, x, y), RECIPE.grid.n_eta
    row, column = divmod(int(np.argpartition(image.ravel(), -3)[-3]), n)
    image = image[::-1] if 2 * row + 1 < n else image
    return image[:, ::-1] if 2 * column + 1 < n else image


def jet_images(settings: Settings) -> Benchmark:
    """The whole way from constituents, sparse without and dense with the statistics of the
    pixels."""
    jets = make_jets(settings.n_events)
    constituents, by_jet = jets.records(), jets.events("pt", "eta", "phi")
    sparse, _ = build_jet_images(constituents, RECIPE)
    statistics = PixelStatistics.empty(sparse.shape)
    statistics.add(sparse, np.ones(len(sparse), dtype=bool))
    methods = _methods(constituents, statistics)
    peers = _peers(by_jet, statistics)

    def check() -> None:
        for name, method in methods.items():
            _dense(method())
            require_equal("images of " + name, [len(method())], [settings.n_events])

    def check_peer(name: str) -> None:
        suffix = "_standardized" if name.endswith("_standardized") else ""
        reference = _dense(methods[f"calovision{suffix}"]())
        require_equal_images(_dense(peers[name]()), reference, name)

    return Benchmark(
        title="jets of 50 constituents to 37x37 images with all steps on",
        n_events=settings.n_events,
        methods=methods,
        peers=peers,
        check=check,
        check_peer=check_peer,
    )


def _methods(
    constituents: ak.Array, statistics: PixelStatistics
) -> dict[str, Callable[[], object]]:
    dense = np.empty((len(constituents), *statistics.total.shape), dtype=np.float32)

    def standardized() -> np.ndarray:
        images, _ = build_dense_jet_images(constituents, RECIPE, out=dense)
        return standardize(images, statistics, zero_center=True, floor=FLOOR, out=images)

    return {
        "calovision": lambda: build_jet_images(constituents, RECIPE)[0],
        "calovision_standardized": standardized,
    }


def _peers(
    by_jet: list[tuple[np.ndarray, ...]], statistics: PixelStatistics
) -> dict[str, Callable[[], object]]:
    """The same steps by hand around the pixelation of others."""
    out = np.empty((len(by_jet), *statistics.total.shape), dtype=np.float32)
    mean, scale = statistics.mean.astype(np.float32), (statistics.std + FLOOR).astype(np.float32)

    def by_hand(pixelate: Pixelate) -> np.ndarray:
        for image, jet in zip(out, by_jet, strict=True):
            image[0] = image_by_hand(pixelate, *jet)
        return out

    methods: dict[str, Callable[[], object]] = {}
    peers = {"histogram2d": pixelate_with_histogram2d}
    if installed("energyflow"):
        peers["energyflow"] = pixelate_with_energyflow
    for name, pixelate in peers.items():
        methods[name] = partial(by_hand, pixelate)
        methods[f"{name}_standardized"] = lambda pixelate=pixelate: (
            (by_hand(pixelate) - mean) / scale
        )
    return methods


def _dense(images: SparseImages | np.ndarray) -> np.ndarray:
    """Dense images of their own, since methods fill the same array again."""
    return images.copy() if isinstance(images, np.ndarray) else images.dense()


def _wrapped(phi: np.ndarray) -> np.ndarray:
    return (phi + np.pi) % (2 * np.pi) - np.pi
