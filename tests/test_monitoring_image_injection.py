"""Faults in the images of events: exact, and what those in the maps are compared with."""

import numpy as np
import pytest
from fakes_monitoring import maps_of

from calovision.core.errors import InputError
from calovision.images.sparse import SparseImages
from calovision.monitoring.faults import FAULTS
from calovision.monitoring.image_injection import inject_images
from calovision.monitoring.injection import BURST_SHARE, inject

N_EVENTS, SHAPE, THRESHOLD = 4000, (2, 6, 8), 0.25
PLACE = (1, 2, 7)


@pytest.fixture(scope="module")
def values():
    """A cell has energy in 26 % of the events, exponential also below the threshold."""
    rng = np.random.default_rng(1)
    hit = rng.random((N_EVENTS, *SHAPE)) < 0.26
    return (hit * rng.exponential(1.0, hit.shape)).astype(np.float32)


@pytest.fixture(scope="module")
def images(values):
    return SparseImages.from_dense(values)


def sums(values):
    """Hits and energies, ``(n_channels, n_eta, n_phi)``."""
    return (values >= THRESHOLD).sum(axis=0), values.sum(axis=0, dtype=np.float64)


@pytest.mark.parametrize("kind", FAULTS)
def test_only_what_is_marked_is_changed(images, values, kind):
    found, mask = inject_images(images, kind, PLACE, rng=2)
    new = found.dense()
    np.testing.assert_array_equal(new[:, ~mask], values[:, ~mask])
    assert (new[:, mask] != values[:, mask]).any(axis=0).all()
    assert mask[PLACE]
    cells = {"dead_tower": 1, "hot_tower": 1, "miscalibrated_ring": 8, "rotated_phi": 48}
    assert mask.sum() == cells.get(kind, 96 if kind == "swapped_channels" else 16)
    np.testing.assert_array_equal(images.dense(), values)


def test_values_of_each_fault(images, values):
    dead, mask = inject_images(images, "dead_board", PLACE)
    assert dead.dense()[:, mask].sum() == 0
    assert mask[1, :4, [5, 6, 7, 0]].all()  # around the circle
    ring, mask = inject_images(images, "miscalibrated_ring", PLACE, 0.1)
    np.testing.assert_allclose(ring.dense()[:, mask], 1.1 * values[:, mask], rtol=1e-6)
    rotated, _ = inject_images(images, "rotated_phi", PLACE, 3)
    np.testing.assert_array_equal(rotated.dense()[:, 1], np.roll(values[:, 1], 3, axis=-1))
    swapped, _ = inject_images(images, "swapped_channels", PLACE)
    np.testing.assert_array_equal(swapped.dense(), values[:, ::-1])


def test_statistics_of_hot_bursting_and_fading_cells(images, values):
    hot, _ = inject_images(images, "hot_tower", PLACE, 2.0, 3)
    cell, before = (one[(slice(None), *PLACE)] for one in (hot.dense(), values))
    rate = (before > 0).mean()
    assert (cell > 0).mean() == pytest.approx(2 * rate, abs=4 * np.sqrt(0.25 / N_EVENTS))
    assert cell[before > 0].tolist() == before[before > 0].tolist()
    assert set(cell) == set(before)  # its own energies
    burst, mask = inject_images(images, "noise_burst", PLACE, rng=3)
    share = (burst.dense()[:, mask] > 0).all(axis=1).mean()
    assert share == pytest.approx(BURST_SHARE, abs=0.02)
    faded, mask = inject_images(images, "fading_module", PLACE, rng=3)
    left = (faded.dense()[:, mask] > 0).sum(axis=1).reshape(4, -1).sum(axis=1)
    full = (values[:, mask] > 0).sum(axis=1).reshape(4, -1).sum(axis=1)
    np.testing.assert_allclose(left / full, [7 / 8, 5 / 8, 3 / 8, 1 / 8], atol=0.03)


@pytest.mark.parametrize(
    ("kind", "strength", "of_energy"),
    [
        ("miscalibrated_ring", 0.1, 1e-6),
        ("miscalibrated_ring", 0.2, 1e-6),
        ("hot_tower", 2.0, 0.15),
        ("dead_board", 1.0, 0),
    ],
)
def test_faults_in_maps_agree_with_those_in_images(images, values, kind, strength, of_energy):
    """Mean change of hits and energies of a cell at fault, over cells and runs."""
    hits, total = sums(values)
    before = sums(values)
    changed, mask = inject_images(images, kind, PLACE, strength, 5)
    exact = [
        (new - old)[mask].mean() for new, old in zip(sums(changed.dense()), before, strict=True)
    ]
    maps = maps_of(np.repeat(hits[None], 60, axis=0), N_EVENTS, np.repeat(total[None], 60, axis=0))
    rates = hits / N_EVENTS
    live = np.zeros(SHAPE, dtype=bool)
    live[mask] = True
    found, marked = inject(maps, kind, strength, 6, rates=rates, live=live)
    added = (found.occupancy - maps.occupancy)[marked].mean()
    energy = (found.total - maps.total)[marked].mean()
    counted = 3 * np.sqrt(abs(exact[0]) / (1 if mask.sum() == 1 else mask.sum()))
    assert added == pytest.approx(exact[0], abs=counted)
    assert energy == pytest.approx(exact[1], rel=max(of_energy, 0.03))


def test_what_cannot_be_injected(images):
    with pytest.raises(InputError, match=r"the place \(0, 6, 0\) is outside of \(2, 6, 8\) cells"):
        inject_images(images, "dead_tower", (0, 6, 0))
    with pytest.raises(InputError, match="there is no fault 'hot'"):
        inject_images(images, "hot", PLACE)
    empty = SparseImages.from_dense(np.zeros((3, 1, 4, 4), dtype=np.float32))
    for kind, message in (
        ("hot_tower", "has no hit to have more of"),
        ("noise_burst", "has no hit to take after"),
        ("swapped_channels", "have one channel"),
    ):
        with pytest.raises(InputError, match=message):
            inject_images(empty, kind, (0, 1, 1))
