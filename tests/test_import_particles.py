"""Padded arrays of particles become image files of jets: against loops, and the ways of awkward."""

import math

import awkward as ak
import h5py
import numpy as np
import pytest
from fakes_cli import fail, succeed
from fakes_particles import energyflow_array, jetnet_arrays

from calovision.conversion import ImageRecipe, jet_blocks, particle_import
from calovision.conversion.jet_blocks import JetFileOptions
from calovision.conversion.particle_arrays import ParticleOptions
from calovision.conversion.particle_import import import_particles
from calovision.core.errors import InputError
from calovision.core.splits import assign_split
from calovision.images.grid import JetGrid
from calovision.images.jet_images import JET_RECIPES, JetImageRecipe, build_jet_images
from calovision.jets.padded import padded_constituents, sums_of_constituents
from calovision.jets.particle_ids import SEEN
from calovision.storage import ImageCollection, ImageFile
from calovision.storage.npz import opened_npz

GRID = JetGrid(15, 15, 1.5)  # odd: a jet of one particle is in the middle of a cell
SEEN_BY_HAND = {  # charge, mass, electromagnetic share; of particles
    22: (0, 0.0, 1),
    11: (-1, 0.000511, 1),
    13: (-1, 0.10566, None),
    211: (1, 0.13957, 0),
    321: (1, 0.49368, 0),
    130: (0, 0.49761, 0),
    2112: (0, 0.93957, 0),
    2212: (1, 0.93827, 0),
}


def options(recipe=None, **more):
    jets = recipe or JetImageRecipe(GRID, channels=("et", "em_et", "had_et", "tracks"))
    return JetFileOptions(recipe=ImageRecipe(jets=jets, **more.pop("images", {})), **more)


def momenta_by_hand(particles):
    """px, py, pz, E, charge, electromagnetic share of each particle of a jet of EnergyFlow."""
    found = []
    for pt, y, phi, pdgid in particles.tolist():
        if pt == 0:
            continue
        charge, mass, em = SEEN_BY_HAND[abs(int(pdgid))]
        transverse = math.sqrt(pt**2 + mass**2)
        xyze = (pt * math.cos(phi), pt * math.sin(phi), transverse * math.sinh(y))
        e = transverse * math.cosh(y)
        found.append((*xyze, e, charge * (1 if pdgid > 0 else -1), em))
    return found


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """An array of EnergyFlow and its image file."""
    folder = tmp_path_factory.mktemp("energyflow")
    particles = energyflow_array()
    labels = np.arange(len(particles)) % 2
    weights = np.linspace(-1, 2, len(particles))
    np.savez_compressed(folder / "jets.npz", X=particles, y=labels.astype(float), w=weights)
    import_particles(
        [folder / "jets.npz"],
        folder / "jets.h5",
        ParticleOptions(layout="energyflow", weights="w"),
        options(classes=("gluon", "quark")),
    )
    return particles, labels, weights, ImageFile(folder / "jets.h5")


def test_images_and_columns_against_a_loop(imported):
    particles, labels, weights, file = imported
    images, columns = file.dense(np.arange(len(particles))), file.events
    for jet, own in enumerate(particles):
        found = momenta_by_hand(own)
        px, py, pz, e = (sum(one[i] for one in found) for i in range(4))
        pt = math.hypot(px, py)
        assert columns["pt"][jet] == pytest.approx(pt, rel=1e-4)
        assert columns["eta"][jet] == pytest.approx(math.asinh(pz / pt), rel=1e-4, abs=1e-5)
        assert columns["phi"][jet] == pytest.approx(math.atan2(py, px), rel=1e-4, abs=1e-5)
        mass = math.sqrt(max(e**2 - px**2 - py**2 - pz**2, 0))
        assert columns["mass"][jet] == pytest.approx(mass, rel=1e-3, abs=1e-2)
        image = np.zeros((4, 15, 15))
        for x, y, z, energy, charge, em in found:
            own_pt = math.hypot(x, y)
            d_eta = math.asinh(z / own_pt) - columns["eta"][jet]
            d_phi = math.remainder(math.atan2(y, x) - columns["phi"][jet], 2 * math.pi)
            cell = math.floor((d_eta + 0.75) / 0.1), math.floor((d_phi + 0.75) / 0.1)
            if not all(0 <= one < 15 for one in cell):
                continue
            et = energy / math.cosh(math.asinh(z / own_pt))
            parts = (0, 0) if em is None else (et * em, et * (1 - em))
            image[:, *cell] += (own_pt, *parts, charge != 0)
        np.testing.assert_allclose(images[jet], image, rtol=1e-3, atol=1e-6)
    assert columns["label"].tolist() == labels.tolist()
    assert columns["weight"].tolist() == weights.tolist()
    assert columns["jet_index"].tolist() == [0] * len(particles)
    drawn = assign_split("jets", np.arange(len(particles)), seed=1, fractions=(0.6, 0.2, 0.2))
    assert columns["split"].tolist() == drawn.tolist()
    info = file.metadata
    assert (info.kind, info.label, info.classes) == ("jet", -1, ("gluon", "quark"))
    assert (info.n_generated, info.sum_of_weights) == (len(particles), pytest.approx(weights.sum()))


def test_images_are_those_of_awkward_constituents(imported):
    particles, _, _, file = imported
    constituents = padded_constituents(particles, "energyflow")
    assert ak.num(constituents).tolist() == (particles[:, :, 0] > 0).sum(axis=1).tolist()
    axes = np.stack([file.events[name] for name in ("eta", "phi")], axis=-1)
    recipe = JetImageRecipe(GRID, channels=("et", "em_et", "had_et", "tracks"))
    images, overflow = build_jet_images(constituents, recipe, axes=axes)
    assert np.array_equal(images.dense(), file.dense(np.arange(len(particles))))
    assert np.array_equal(overflow, file.events["overflow"])


@pytest.mark.parametrize("n_bytes", [1, 8 * 9 * 4 * 5])
def test_blocks_change_nothing_and_part_no_event(tmp_path, monkeypatch, imported, n_bytes):
    particles, labels, weights, whole = imported
    numbers = np.repeat([7, -3, 5, 900], [3, 4, 1, 4])
    splits = np.repeat([2, 0, 1, 0], [3, 4, 1, 4])
    with h5py.File(tmp_path / "jets.h5", "w") as file:
        file["X"], file["y"], file["weights"] = particles, labels, weights
        file["event"], file["part"] = numbers, splits
    monkeypatch.setattr(particle_import, "BLOCK_BYTES", n_bytes)
    done = []
    import_particles(
        [tmp_path / "jets.h5"],
        tmp_path / "out.h5",
        ParticleOptions(layout="energyflow", event_numbers="event", splits="part"),
        options(classes=("gluon", "quark")),
        progress=done.append,
    )
    file = ImageFile(tmp_path / "out.h5")
    assert done == ([3, 4, 1, 4] if n_bytes == 1 else [3, 5, 4])
    assert np.array_equal(file.dense(np.arange(12)), whole.dense(np.arange(12)))
    assert file.events["event_number"].tolist() == numbers.tolist()
    assert file.events["split"].tolist() == splits.tolist()
    for number in np.unique(numbers):
        mine = numbers == number
        order = np.argsort(-file.events["pt"][mine])
        assert file.events["jet_index"][mine][order].tolist() == list(range(mine.sum()))


def test_cuts_on_jets_leave_the_ranks_in_the_event(tmp_path, imported):
    particles, _, _, whole = imported
    np.savez(tmp_path / "a.npz", X=particles, n=np.repeat([1, 2], 6))
    import_particles(
        [tmp_path / "a.npz"],
        tmp_path / "a.h5",
        ParticleOptions(layout="energyflow", event_numbers="n", label=0),
        options(images={"jet_selection": {"soft": "pt < 70"}}),
    )
    file, pt = ImageFile(tmp_path / "a.h5"), whole.events["pt"]
    kept = np.flatnonzero(pt < 70)
    assert 0 < len(kept) < 12
    assert file.events["pt"].tolist() == pt[kept].tolist()
    ranks = [int(np.sum(pt[6 * (jet // 6) : 6 * (jet // 6) + 6] > pt[jet])) for jet in kept]
    assert file.events["jet_index"].tolist() == ranks
    info = file.metadata
    assert [(n, name) for name, n, _ in info.jet_cut_flow] == [
        (12, "leading jets"),
        (len(kept), "soft"),
    ]
    assert (info.n_generated, info.source_rows) == (12, [len(kept)])
    with pytest.raises(InputError, match="'n_fat_jets' is a variable of whole events"):
        import_particles(
            [tmp_path / "a.npz"],
            tmp_path / "b.h5",
            ParticleOptions(layout="energyflow", label=0),
            options(images={"jet_selection": {"two": "n_fat_jets >= 2"}}),
        )


def test_jetnet(tmp_path):
    particles, jets = jetnet_arrays()
    with h5py.File(tmp_path / "t.hdf5", "w") as file:
        file["particle_features"], file["jet_features"] = particles, jets
    command = (
        "import-particles",
        tmp_path / "t.hdf5",
        "-o",
        tmp_path / "t.h5",
        "--layout",
        "jetnet",
    )
    succeed(*command, "--classes", "g,q,t", "--label", "t", "--grid", "16x16")
    file = ImageFile(tmp_path / "t.h5")
    assert (file.metadata.label, set(file.events["label"].tolist())) == (2, {2})
    for column, name in enumerate(("pt", "eta", "mass")):
        assert np.array_equal(file.events[name], jets[:, column].astype(np.float64))
    assert not file.events["phi"].any()
    images = file.dense(np.arange(8))
    for jet, own in enumerate(particles.astype(np.float64)):
        there = own[own[:, 3] == 1]
        expected = np.histogram2d(
            there[:, 0], there[:, 1], np.linspace(-0.8, 0.8, 17), weights=there[:, 2] * jets[jet, 0]
        )[0]
        np.testing.assert_allclose(images[jet, 0], expected, rtol=1e-5, atol=1e-4)
    assert "exists already" in fail(*command, "--label", "0")
    # beside a file of another class, as for a training
    succeed(*command[:3], tmp_path / "q.h5", *command[4:], "--classes", "g,q,t", "--label", "q")
    assert ImageCollection([tmp_path / "t.h5"]).classes == ("g", "q", "t")


def test_momenta_with_charge_and_published_recipe(tmp_path):
    """px, py, pz, charge: massless; the recipe of quarks and gluons needs charges."""
    particles = energyflow_array()
    pt, y, phi, pdgid = np.moveaxis(particles, 2, 0)
    charge = np.isin(pdgid, (211, 321, 2212, -11, -13)) * 1 - np.isin(pdgid, (-211, -2212, 11)) * 1
    momenta = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(y), charge], axis=-1)
    np.savez(tmp_path / "a.npz", particles=np.asfortranarray(momenta))
    recipe = JET_RECIPES["quark_gluon"]
    import_particles(
        [tmp_path / "a.npz", tmp_path / "a.npz"],
        tmp_path / "a.h5",
        ParticleOptions(layout=("px", "py", "pz", "charge"), label=1),
        options(recipe, images={"split_seed": 5}),
    )
    file = ImageFile(tmp_path / "a.h5")
    constituents = padded_constituents(particles[:, :, :3], "energyflow")
    constituents["charge"] = ak.unflatten(charge[pt > 0], ak.num(constituents))
    images = build_jet_images(constituents, recipe)[0].dense()
    dense = file.dense(np.arange(24))
    np.testing.assert_allclose(dense, np.concatenate([images, images]), rtol=1e-5, atol=1e-6)
    assert file.events["event_number"].tolist() == list(range(24))
    assert file.metadata.source_rows == [24]
    np.testing.assert_allclose(
        file.events["mass"][:12], sums_of_constituents(constituents)["mass"], rtol=1e-6, atol=1e-5
    )


def test_table_of_particles():
    """Charges, masses, kinds of showers; neutrinos are left out, quarks refused."""
    for number, (charge, mass, em) in SEEN_BY_HAND.items():
        found = SEEN[number]
        assert (found.charge, found.mass) == (charge, pytest.approx(mass, abs=2e-5))
        assert found.calorimeter == {1: "em", 0: "had", None: ""}[em]
    particles = np.array([[[5.0, 0.1, 0.2, 12], [4.0, 0.1, 0.2, -2112]]])
    (found,) = padded_constituents(particles, "energyflow").tolist()
    assert [(one["pt"], one["charge"], one["e_em"]) for one in found] == [(4.0, 0.0, 0.0)]
    anti = np.array([[[5.0, 0.1, 0.2, n] for n in (-211, 11, -11, -2212, -22)]])
    assert padded_constituents(anti, "energyflow").charge.tolist() == [[-1, -1, 1, -1, 0]]
    assert found[0]["e_had"] == pytest.approx(math.hypot(4.0, 0.93957) * math.cosh(0.1), rel=1e-5)


def spoiled(name):
    """Arrays of a file with one mistake, options, and what the sentence says."""
    X, y = energyflow_array(4), np.array([0, 1, 0, 1])
    jetnet, jets = jetnet_arrays(4)
    return {
        "nan": ({"X": _with(X, (2, 0, 1), np.nan), "y": y}, {}, r"entry 2: y is not finite"),
        "negative pT": ({"X": _with(X, (1, 0, 0), -1), "y": y}, {}, "entry 1: pt is -1; it must"),
        "empty": ({"X": _with(X, 3, 0), "y": y}, {}, "entry 3: the jet has no constituents"),
        "pdgid": ({"X": _with(X, (0, 0, 3), 6), "y": y}, {}, "entry 0: pdgid is 6, which is no"),
        "labels": ({"X": X, "y": y[:3]}, {}, r"labels of shape \(3,\) for 4 jets"),
        "class": ({"X": X, "y": y + 1}, {}, "label of entry 1 is 2: the classes background, sig"),
        "no label": ({"X": X}, {}, "no array of labels: name"),
        "two labels": ({"X": X, "y": y}, {"label": 1}, "a label is given too"),
        "no class": ({"X": X}, {"label": "quark"}, "'quark' is no class; choose from 0, 1"),
        "layout": ({"X": X[..., :2], "y": y}, {}, "2 features for 4 names"),
        "feature": ({"X": X, "y": y}, {"layout": ("pt", "eta", "phi", "pdg")}, "mean 'pdgid'"),
        "momentum": ({"X": X, "y": y}, {"layout": ("pt", "phi", "mass", "-")}, "is no momentum"),
        "no layout": ({"X": X, "y": y}, {"layout": "energyflo"}, "mean 'energyflow'"),
        "array": ({"X": X, "y": y}, {"particles": "x"}, "no array 'x'; did you mean 'X'"),
        "shape": ({"X": X[0], "y": y}, {}, r"shape \(9, 4\): they must be \(jet, particle, feat"),
        "events": ({"X": X, "y": y, "n": [1, 2, 1, 3]}, {"event_numbers": "n"}, "event 1 are not"),
        "split": ({"X": X, "y": y, "s": [0, 1, 2, 3]}, {"splits": "s"}, "split of entry 3 is 3"),
        "two splits": (
            {"X": X, "y": y, "s": [0, 1, 2, 2], "n": [1, 1, 2, 2]},
            {"splits": "s", "event_numbers": "n"},
            "event 1 are in two splits",
        ),
        "mask": (
            {"X": _with(jetnet, (2, 1, 3), 0.5), "jets": jets, "y": y},
            {"layout": "jetnet"},
            "entry 2: mask is 0.5 for particle 1; it must be 1",
        ),
        "no jets": ({"X": jetnet, "y": y}, {"layout": "jetnet"}, "no array of jets, to which"),
        "fewer jets": (
            {"X": jetnet, "jets": jets[:3], "y": y},
            {"layout": "jetnet"},
            r"jets of shape \(3, 4\) for particles of 4 jets",
        ),
        "jet features": (
            {"X": jetnet, "jets": jets[:, :3], "y": y},
            {"layout": "jetnet"},
            "3 features for 4 names",
        ),
        "pT of a jet": (
            {"X": jetnet, "jets": _with(jets, (1, 0), 0), "y": y},
            {"layout": "jetnet"},
            "entry 1: the pt of the jet is 0; it must be above 0",
        ),
    }[name]


def _with(array, where, value):
    array = array.copy()
    array[where] = value
    return array


NAMES = """nan|negative pT|empty|pdgid|labels|class|no label|two labels|no class|layout|feature
momentum|no layout|array|shape|events|split|two splits|mask|no jets|fewer jets|jet features
pT of a jet""".replace("\n", "|").split("|")


@pytest.mark.parametrize("name", NAMES)
def test_bad_input_is_one_sentence_and_leaves_nothing(tmp_path, name):
    arrays, chosen, sentence = spoiled(name)
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays)
    choices = ParticleOptions(**{"layout": "energyflow"} | chosen)
    with pytest.raises(InputError, match=sentence) as error:
        import_particles([path], tmp_path / "out.h5", choices, options())
    assert "\n" not in str(error.value)
    assert [one.name for one in tmp_path.iterdir()] == ["bad.npz"]


def test_slices_of_npz(tmp_path):
    """Forwards, backwards, all; of what is stored by columns, and of a file that ends early."""
    array = np.arange(60, dtype=np.int32).reshape(10, 2, 3)
    np.savez_compressed(tmp_path / "a.npz", rows=array, columns=np.asfortranarray(array), one=3.5)
    with opened_npz(tmp_path / "a.npz") as arrays:
        for name in ("rows", "columns"):
            stored = arrays[name]
            assert (len(stored), stored.ndim, stored.dtype) == (10, 3, np.int32)
            for start, stop in ((0, 4), (4, 7), (9, 30), (2, 3), (5, 5), (0, 10)):
                assert np.array_equal(stored[start:stop], array[start:stop])
            assert np.array_equal(stored[()], array)
        assert arrays["one"][()] == 3.5
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "b.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"b.npz: no npz file of numbers"):
        opened_npz(tmp_path / "b.npz").__enter__()
    assert jet_blocks.BLOCK_BYTES == 2**25
