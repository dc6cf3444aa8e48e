"""Networks that watch a detector: what they see, what they learn, and their files."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes_monitoring import true_reference
from safetensors.torch import load_file, save

from calovision.core.digests import sealed
from calovision.core.errors import InputError
from calovision.monitoring.consecutive import ConsecutiveMethod
from calovision.monitoring.expectation import Expectation
from calovision.monitoring.injection import inject
from calovision.monitoring.networks import files
from calovision.monitoring.networks.autoencoder import AutoencoderWatcher
from calovision.monitoring.networks.examples import thinned, turned, with_faults
from calovision.monitoring.networks.faults_classifier import UNKNOWN, FaultClassifier
from calovision.monitoring.networks.files import DESCRIPTION
from calovision.monitoring.networks.planes import (
    count_residuals,
    energy_residuals,
    planes_of,
    relative_widths,
    ring_residuals,
)
from calovision.monitoring.networks.training import (
    MOST_WEIGHT,
    AutoencoderOptions,
    FaultClassifierOptions,
    class_weights,
    train_autoencoder,
    train_fault_classifier,
)
from calovision.monitoring.run_map_file import write_run_maps
from calovision.monitoring.toys import toy_detector

DETECTOR = toy_detector(8, 16, 2)
REFERENCE = true_reference(DETECTOR)
BRIEF = FaultClassifierOptions(epochs=1, cells_an_epoch=4000, width=4, batch_size=8)


def good_runs(n, n_events, seed=1):
    return DETECTOR.runs(n, n_events, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def classifier():
    options = FaultClassifierOptions(
        epochs=10, cells_an_epoch=40_000, width=8, batch_size=8, learning_rate=0.01
    )
    return train_fault_classifier(good_runs(60, 2000), REFERENCE, options)


@pytest.fixture(scope="module")
def autoencoder():
    options = AutoencoderOptions(epochs=4, cells_an_epoch=20_000, width=4, latent=2)
    return train_autoencoder(good_runs(60, 2000), REFERENCE, options)


@pytest.fixture(scope="module", params=["autoencoder", "classifier"])
def network(request):
    return request.getfixturevalue(request.param)


def test_hits_are_compared_by_the_deviance_of_the_binomial_distribution():
    maps = good_runs(3, 400)
    expected = Expectation.of(maps, REFERENCE)
    found = count_residuals(maps, replace(expected, variance=np.zeros_like(expected.variance)))
    n, k, mean = 400, maps.occupancy, expected.hits
    deviance = 2 * (k * np.log(k / mean) + (n - k) * np.log((n - k) / (n - mean)))
    np.testing.assert_allclose(found, np.sign(k - mean) * np.sqrt(deviance), atol=1e-5)
    dead = count_residuals(replace(maps, occupancy=0 * k), replace(expected, variance=0 * mean))
    np.testing.assert_allclose(dead, -np.sqrt(-2 * n * np.log1p(-mean / n)), rtol=1e-6)


@pytest.mark.parametrize("n_events", [100, 5000])
def test_planes_of_good_runs_are_unit_normal_for_any_number_of_events(n_events):
    detector = toy_detector(8, 16, 2)
    maps = replace(detector, of_cells=0.0).runs(150, n_events, np.random.default_rng(2))
    planes = planes_of(maps, REFERENCE, relative_widths(maps, REFERENCE))
    assert planes.shape == (150, 8, 8, 16)
    parts = planes[:, :6].reshape(150, 3, -1)
    np.testing.assert_allclose(parts.mean(axis=(0, 2)), 0, atol=0.1)
    np.testing.assert_allclose(parts.std(axis=(0, 2)), 1, atol=0.06)


def test_a_whole_ring_with_more_hits_is_not_in_the_residuals_of_the_ring():
    maps = good_runs(4, 3000)
    more = maps.occupancy.copy()
    more[:, 0, 3] = np.rint(1.1 * more[:, 0, 3])
    maps = replace(maps, occupancy=more)
    expected = Expectation.of(maps, REFERENCE)
    counts = count_residuals(maps, expected)
    in_ring = ring_residuals(maps, expected)
    assert counts[:, 0, 3].mean() > 2
    assert abs(in_ring[:, 0, 3].mean()) < 0.3
    np.testing.assert_allclose(in_ring[:, 0, 5], counts[:, 0, 5], atol=1)


def test_the_energy_of_a_hit_is_relative_and_grows_with_the_root_of_the_hits():
    maps = good_runs(2, 1000)
    expected = Expectation.of(maps, REFERENCE)
    before = energy_residuals(maps, REFERENCE, expected)
    after = energy_residuals(replace(maps, total=1.1 * maps.total), REFERENCE, expected)
    root = np.sqrt(maps.occupancy)
    ratio = (after / root / 3 + 1) / (before / root / 3 + 1)
    np.testing.assert_allclose(ratio**3, 1.1, rtol=1e-6)
    assert not energy_residuals(replace(maps, occupancy=0 * root), REFERENCE, expected).any()


def test_fewer_events_of_a_run_are_hypergeometric():
    maps = good_runs(1, 1000)[np.zeros(800, dtype=int)]
    widths = np.full((2, 8), 0.7)
    few = thinned(maps, np.full(800, 100), widths, np.random.default_rng(3))
    assert (few.n_events == 100).all()
    share = maps.occupancy[0] / 1000
    np.testing.assert_allclose(few.occupancy.mean(axis=0), 100 * share, rtol=0.05)
    variance = 100 * share * (1 - share) * 900 / 999
    np.testing.assert_allclose(few.occupancy.var(axis=0) / variance, 1, atol=0.3)
    ratio = few.total / few.occupancy / (maps.total / maps.occupancy) - 1
    spread = (ratio * np.sqrt(few.occupancy / (1 - few.occupancy / maps.occupancy))).std()
    assert spread == pytest.approx(0.7, rel=0.02)
    whole = thinned(maps, np.full(800, 5000), widths, np.random.default_rng(3))
    np.testing.assert_array_equal(whole.total, maps.total)


def test_turned_arrays_keep_their_cells_together():
    numbers = np.arange(3 * 2 * 4 * 6).reshape(3, 2, 4, 6)
    first, second = turned([numbers, -numbers], np.random.default_rng(4))
    np.testing.assert_array_equal(first, -second)
    for row in range(3):
        assert sorted(first[row].ravel()) == sorted(numbers[row].ravel())
        step = np.unique(np.diff(first[row, 0], axis=1) % 6)
        assert step.tolist() in ([1], [5])


def test_examples_have_the_faults_that_their_labels_say():
    maps = good_runs(60, 1000)
    kinds = ("dead_tower", "rotated_phi")
    faulty, labels = with_faults(maps, REFERENCE, kinds, 1, np.random.default_rng(5))
    dead = labels == 1
    assert 20 < dead.any(axis=(1, 2, 3)).sum() < 50
    assert (faulty.occupancy[dead] == 0).all()
    unchanged = (labels == 0).all(axis=(2, 3))
    np.testing.assert_array_equal(faulty.total[unchanged], maps.total[unchanged])
    assert (labels == 2).all(axis=(2, 3)).any()


def test_kinds_weigh_the_same_in_the_loss_unless_they_are_very_rare():
    labels = np.repeat(np.arange(4, dtype=np.uint8), [8000, 1500, 499, 1])
    weights = class_weights(labels, 3)
    np.testing.assert_allclose(weights[:3] * [8000, 1500, 499], 10_000 * np.array([3, 1, 1]) / 6)
    assert weights[3] == pytest.approx(MOST_WEIGHT * weights[0])


def test_training_lowers_the_loss_and_finds_dead_and_hot_towers(network):
    losses = [one["validation_loss"] for one in network.history]
    assert min(losses) < losses[0]
    runs = good_runs(20, 1000, seed=6)
    for kind, strength in [("dead_tower", 1), ("hot_tower", 5)]:
        maps, mask = inject(runs, kind, strength, 7)
        scores = network.scores(maps, REFERENCE)
        assert scores.dtype == np.float64
        assert scores[mask].min() > scores[~mask].max()


def test_the_classifier_tells_the_kind(classifier):
    runs = good_runs(30, 2000, seed=8)
    for kind, strength in [("dead_tower", 1), ("hot_tower", 5)]:
        maps, mask = inject(runs, kind, strength, 9)
        found = classifier.kinds(maps, REFERENCE)[mask]
        assert (found == classifier.kind_names.index(kind)).mean() > 0.8
    probabilities = classifier.probabilities(runs[:2], REFERENCE)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    good = probabilities[:, 0].astype(np.float64)
    odds = np.log((1 - good) / good)
    np.testing.assert_allclose(classifier.scores(runs[:2], REFERENCE), odds, atol=1e-3)


def test_three_runs_together_leave_less_to_chance(autoencoder):
    good = autoencoder.scores(good_runs(40, 500, seed=10), REFERENCE)
    assert np.nanmean(good) == pytest.approx(1.7, abs=0.3)  # the larger of two of mean 1
    maps, mask = inject(good_runs(3, 200, seed=11), "hot_tower", 3, 12, alike=3)
    alone = autoencoder.scores(maps, REFERENCE)[-1]
    together = ConsecutiveMethod(autoencoder, 3).scores(maps, REFERENCE)[-1]
    faulty = mask[-1]
    for scores in (alone, together):
        assert scores[faulty] > scores[~faulty].max()
    assert together[faulty] / together[~faulty].max() > alone[faulty] / alone[~faulty].max()


def test_scores_turn_with_the_detector_and_do_not_know_the_blocks(network):
    maps = inject(good_runs(18, 500, seed=13), "dead_board", None, 14)[0]
    scores = network.scores(maps, REFERENCE)
    np.testing.assert_allclose(
        network.scores(maps[5:6], REFERENCE), scores[5:6], rtol=1e-4, atol=1e-5
    )
    turned_maps, turned_reference = (
        replace(one, **{name: np.roll(getattr(one, name), 8, axis=-1) for name in names})
        for one, names in (
            (maps, ("occupancy", "total")),
            (REFERENCE, ("rate", "mean", "rate_spread", "mean_spread")),
        )
    )
    found = network.scores(turned_maps, turned_reference)
    np.testing.assert_allclose(found, np.roll(scores, 8, axis=-1), rtol=1e-3, atol=1e-3)


def test_nothing_is_said_without_events_or_hits_in_the_reference(network):
    maps = good_runs(2, 500)
    empty = np.zeros((1, 2, 8, 16))
    maps = replace(
        maps,
        n_events=np.array([500, 0]),
        occupancy=np.concatenate([maps.occupancy[:1], empty]),
        total=np.concatenate([maps.total[:1], empty]),
    )
    rate = REFERENCE.rate.copy()
    rate[0, 2, 3] = 0
    reference = replace(REFERENCE, rate=rate)
    scores = network.scores(maps, reference)
    np.testing.assert_array_equal(np.isnan(scores[0]), rate == 0)
    assert np.isnan(scores[1]).all()
    assert network.scores(maps[:0], reference).shape == (0, 2, 8, 16)
    if isinstance(network, FaultClassifier):
        kinds = network.kinds(maps, reference)
        np.testing.assert_array_equal(kinds == UNKNOWN, np.isnan(scores))


def test_a_seed_gives_the_same_network():
    runs = good_runs(20, 500)
    first, again, other = (
        train_fault_classifier(runs, REFERENCE, replace(BRIEF, seed=seed)).scores(runs, REFERENCE)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_file_gives_the_same_network(network, tmp_path):
    path = tmp_path / "new" / "network.safetensors"
    network.save(path)
    again = type(network).load(path)
    maps = good_runs(3, 500)
    np.testing.assert_array_equal(again.scores(maps, REFERENCE), network.scores(maps, REFERENCE))
    assert again.options == network.options
    assert again.history == network.history
    other = FaultClassifier if isinstance(network, AutoencoderWatcher) else AutoencoderWatcher
    with pytest.raises(InputError, match=f"the network is '{network.name}', not '{other.name}'"):
        other.load(path)
    with pytest.raises(InputError, match="there is no such file"):
        other.load(tmp_path / "none")


def changed(path, change):
    """Rewrite a file of a network with another description, and seal it, or other weights."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        description = json.loads(file.metadata()[DESCRIPTION])
    tensors = load_file(path)
    change(description, tensors)
    path.write_bytes(save(tensors, metadata={DESCRIPTION: json.dumps(sealed(description))}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda about, _: about.update(format="x"), "it lacks the format"),
        (lambda about, _: about.update(version=9), "version 9, this calovision reads up to 2"),
        (lambda about, _: about.update(version=True), "of version True"),
        (lambda about, _: about.update(widths=[1]), "'widths' is not one number for each ring"),
        (lambda about, _: about.pop("layout"), "it lacks 'layout'"),
        (lambda about, _: about["layout"].update(thresholds=[1]), "'thresholds' is"),
        (lambda about, _: about["options"].update(width=5), "weights of another network"),
        (lambda about, _: about["options"].update(width="x"), "no network is made so"),
        (lambda about, _: about["options"].clear(), "no network is made so"),
        (lambda about, _: about.pop("options"), "it lacks 'options'"),
        (lambda _, weights: next(iter(weights.values())).add_(1), "its weights are others"),
    ],
)
def test_a_damaged_file_is_refused(autoencoder, tmp_path, change, message):
    path = tmp_path / "network.safetensors"
    autoencoder.save(path)
    changed(path, change)
    with pytest.raises(InputError, match=message):
        AutoencoderWatcher.load(path)
    path.write_bytes(b"12345678 no such file")
    with pytest.raises(InputError, match="no file of a network of monitoring"):
        AutoencoderWatcher.load(path)


def test_a_changed_description_is_refused(autoencoder, tmp_path):
    path = tmp_path / "network.safetensors"
    autoencoder.save(path)
    content = path.read_bytes()
    assert content.count(b"history") == 1
    path.write_bytes(content.replace(b"history", b"histery"))
    with pytest.raises(
        InputError, match="safetensors: damaged, or changed since it was written: copy it again"
    ):
        AutoencoderWatcher.load(path)


def test_no_byte_of_a_file_is_changed_unnoticed(network, tmp_path):
    """In the header, of which the description is a part, and here and there in the weights."""
    path = tmp_path / "network.safetensors"
    network.save(path)
    content = path.read_bytes()
    size = 8 + int.from_bytes(content[:8], "little")
    rng = np.random.default_rng(3)
    places = [*rng.choice(size, 60, replace=False), *rng.integers(size, len(content), 20)]
    n_refused = 0
    for place in map(int, places):
        flipped = bytearray(content)
        flipped[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(flipped)
        try:
            again = type(network).load(path)
        except InputError:
            n_refused += 1
            continue
        assert again.history == network.history  # a space that became another one
        assert again.described() == network.described()
    assert n_refused > 75


def test_a_file_of_before_is_read(autoencoder, tmp_path):
    """Without a seal, its hash one of names and bytes alone."""
    path = tmp_path / "network.safetensors"
    autoencoder.save(path)

    def as_before(description, tensors):
        description.update(version=1, weights_sha256=files._digest(tensors, 1))

    changed(path, as_before)
    again = AutoencoderWatcher.load(path)
    assert again.described() == autoencoder.described()


def test_other_cells_and_channels_are_refused(network):
    maps = good_runs(1, 500)
    other = toy_detector(8, 24, 2)
    wide = other.runs(1, 500, np.random.default_rng(1))
    with pytest.raises(InputError, match="the maps: the cells are 8x24"):
        network.scores(wide, REFERENCE)
    with pytest.raises(InputError, match="the reference: the cells are 8x24"):
        network.scores(maps, true_reference(other))
    with pytest.raises(InputError, match="the channels are a, b, but those of the network"):
        network.scores(replace(maps, channels=("a", "b")), REFERENCE)


@pytest.mark.parametrize(
    ("n_runs", "options", "message"),
    [
        (9, AutoencoderOptions(), "9 good runs with events are too few to train on; give at least"),
        (20, AutoencoderOptions(epochs=0), "epochs is 0"),
        (20, AutoencoderOptions(latent=0), "option latent is 0|latent is 0"),
        (20, AutoencoderOptions(learning_rate=1e30, epochs=2, cells_an_epoch=1), "no finite loss"),
    ],
)
def test_a_training_that_cannot_be_is_refused(n_runs, options, message):
    with pytest.raises(InputError, match=message):
        train_autoencoder(good_runs(n_runs, 500), REFERENCE, options)


def test_small_maps_are_refused_and_one_channel_is_not_swapped():
    tiny = toy_detector(4, 16, 1)
    runs = tiny.runs(20, 300, np.random.default_rng(1))
    with pytest.raises(InputError, match="needs images of at least 8x8 cells, not 4x16"):
        train_autoencoder(runs, true_reference(tiny))
    one = toy_detector(8, 8, 1)
    runs = one.runs(20, 300, np.random.default_rng(1))
    found = train_fault_classifier(runs, true_reference(one), BRIEF)
    assert "swapped_channels" not in found.kind_names
    assert np.isfinite(found.scores(runs, true_reference(one))).all()


def test_the_code_of_the_page_on_networks_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_run_maps(tmp_path / "runs.h5", good_runs(36, 2000))
    page = (Path(__file__).parents[1] / "docs" / "monitoring.md").read_text()
    code = "".join(re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL))
    for many, few in (
        (":100]", ":12]"),
        ("[100:200]", "[12:32]"),
        ("[200:]", "[32:]"),
        ("Options(seed=2)", "Options(seed=2, epochs=1, cells_an_epoch=1)"),
    ):
        assert many in code
        code = code.replace(many, few)
    names = {}
    exec(code, names)
    again = FaultClassifier.load(tmp_path / "fault_classifier.safetensors")
    np.testing.assert_array_equal(
        again.kinds(names["runs"][32:], names["reference"]), names["kinds"]
    )
    of_three = names["of_three"].scores(names["runs"][32:], names["reference"])
    assert np.isfinite(of_three[2:]).all()
    assert np.isnan(of_three[:2]).all()
