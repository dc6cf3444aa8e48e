"""Planes of a run that the networks see, in which runs of 100 and of 5,000 events look alike.

Four planes for each channel, all in units of the fluctuations that the reference leads to expect:
hits against those expected of the run, hits against those expected of its ring in eta, energy of a
hit against the reference, and how many hits are expected. Arrays are ``(n_runs, n_channels,
n_eta, n_phi)``.
"""

import numpy as np

from calovision.monitoring.expectation import Expectation
from calovision.monitoring.reference import Reference
from calovision.monitoring.run_maps import RunMaps

PLANES = 4
"""Planes of each channel."""
LARGEST_IN_RING = 4.0
"""Deviation in units of sigma up to which a cell counts for the scale of its ring: good cells do,
those of a hot board do not."""
SMALLEST_DISPERSION = 1e-7
"""Dispersion times hits below which the distribution is taken for that of Poisson."""
TINY = 1e-300


def count_residuals(maps: RunMaps, expected: Expectation) -> np.ndarray:
    """Deviation of the number of hits from those expected of this run, in units of sigma.

    The signed root of the deviance of a binomial, Poisson or negative binomial distribution,
    whichever has the variance that is expected: close to a unit normal number down to few hits
    (McCullagh, Nelder, Generalized Linear Models, sections 2.3 and 2.4).

    Returns
    -------
    float64; 0 for a run without events.
    """
    return _deviance_root(maps.occupancy, expected.hits, expected.dispersion)


def ring_residuals(maps: RunMaps, expected: Expectation) -> np.ndarray:
    """Deviation of the number of hits from those expected, times the scale of the ring in this run.

    What changes a whole ring is not in it. The scale is that of the cells of the ring that deviate
    by less than `LARGEST_IN_RING` sigma from the median of the ring.
    """
    known = expected.hits > 0
    mean = np.where(known, expected.hits, 1.0)
    ratio = maps.occupancy / mean
    sigma = np.sqrt(np.maximum(1 / mean + expected.dispersion, 0) + 1 / mean**2)
    usual = np.abs(ratio - np.median(ratio, axis=3, keepdims=True)) < LARGEST_IN_RING * sigma
    usual &= known
    found = np.sum(maps.occupancy * usual, axis=3, keepdims=True)
    wanted = np.sum(mean * usual, axis=3, keepdims=True)
    scale = np.divide(found, wanted, out=np.ones_like(found), where=(found > 0) & (wanted > 0))
    highest = np.maximum(expected.n_events - 0.5, 0.5)
    mean = np.where(known, scale * mean, np.nan)
    mean = np.where(scale > 1, np.minimum(mean, highest), mean)
    return _deviance_root(maps.occupancy, mean, expected.dispersion)


def energy_residuals(maps: RunMaps, reference: Reference, expected: Expectation) -> np.ndarray:
    """Deviation of the mean value of a hit from that expected of the run, times the root of the
    hits.

    With more deposits in an event the energy grows in proportion, and the hits less, so that a hit
    has more. Relative, so that its standard deviation is the relative width of the values of a hit
    (`relative_widths`), over the root of 1 + n / N for n events of the run and N of the reference.
    Three times the cube root is compared, which makes sums of positive values close to normal
    (Wilson, Hilferty, PNAS 17 (1931) 684).

    Returns
    -------
    float64; 0 where there is no hit, or the reference has no positive mean.
    """
    scale = expected.scale[..., None, None]
    means = maps.n_events[:, None, None, None] * scale * reference.mean
    usable = (maps.occupancy > 0) & (expected.hits > 0) & (means > 0)
    wanted = np.where(usable, maps.occupancy * means, 1.0)
    ratio = np.divide(maps.total * expected.hits, wanted, out=np.ones_like(wanted), where=usable)
    events = np.sqrt(1 + maps.n_events / reference.n_events)[:, None, None, None]
    return 3 * (np.cbrt(ratio) - 1) * np.sqrt(np.maximum(maps.occupancy, 0)) / events


def relative_widths(maps: RunMaps, reference: Reference) -> np.ndarray:
    """Relative width of the values of a hit by channel and ring in eta, float64
    ``(n_channels, n_eta)``: root mean square of `energy_residuals` over good runs; 1 where there is
    none.
    """
    residuals = energy_residuals(maps, reference, Expectation.of(maps, reference))
    known = (maps.occupancy > 0) & _is_known(reference)
    squares = np.sum(residuals**2 * known, axis=(0, 3))
    n = np.sum(known, axis=(0, 3))
    mean = np.divide(squares, n, out=np.zeros(n.shape), where=n > 0)
    return np.where(mean > 0, np.sqrt(mean), 1.0)


def planes_of(maps: RunMaps, reference: Reference, widths: np.ndarray) -> np.ndarray:
    """Planes of each run, float32 ``(n_runs, 4 n_channels, n_eta, n_phi)``.

    Parameters
    ----------
    maps, reference
        Of the same cells and channels.
    widths
        Of `relative_widths`.

    Returns
    -------
    For each channel hits, hits in the ring, energy of a hit (all in sigma, 0 where the reference
    has no hits), and a tenth of the logarithm of 1 + expected hits; the planes of one kind are
    neighbours.
    """
    expected = Expectation.of(maps, reference)
    counts = count_residuals(maps, expected)
    in_ring = ring_residuals(maps, expected)
    energy = energy_residuals(maps, reference, expected) / widths[:, :, None]
    known = _is_known(reference)
    logarithm = np.log1p(np.nan_to_num(expected.hits)) / 10
    planes = [counts * known, in_ring * known, energy * known, logarithm]
    return np.concatenate(planes, axis=1, dtype=np.float32, casting="same_kind")


def can_be_said(maps: RunMaps, reference: Reference) -> np.ndarray:
    """Test for each cell that there is something to compare: events in the run, hits in the
    reference; bool.
    """
    events = np.asarray(maps.n_events)[:, None, None, None] > 0
    return events & np.broadcast_to(_is_known(reference), maps.occupancy.shape)


def _is_known(reference: Reference) -> np.ndarray:
    return np.isfinite(reference.rate) & (reference.rate > 0)


def _deviance_root(hits: np.ndarray, mean: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
    """Signed root of twice the logarithm of the likelihood ratio of hits and of their mean, for the
    variance ``mean + dispersion mean^2``.
    """
    known = mean > 0
    mean = np.where(known, mean, 1.0)
    d = np.where(np.abs(dispersion) * np.maximum(hits, mean) < SMALLEST_DISPERSION, 0, dispersion)
    some = np.where(hits > 0, hits, 1.0)
    own = np.where(hits > 0, hits * np.log(some / mean), 0.0)
    # of a binomial distribution the second part is that of the events without a hit
    change = np.log(np.maximum(1 + d * hits, TINY)) - np.log(np.maximum(1 + d * mean, TINY))
    other = np.where(d == 0, hits - mean, (hits + 1 / np.where(d == 0, 1, d)) * change)
    root = np.sqrt(np.maximum(2 * (own - other), 0))
    return np.where(known, np.sign(hits - mean) * root, 0.0)
