"""Jet variables: closed forms, second implementations, and their columns in files of jets."""

from dataclasses import replace
from itertools import combinations

import awkward as ak
import fastjet
import numpy as np
import pytest
import uproot
from fakes import make_metadata
from fakes_ntuples import jetclass_columns, write_file

from calovision.conversion import ImageRecipe, Sample, convert_ntuple
from calovision.conversion.image_check import ImageCheck
from calovision.conversion.streams import narrowed
from calovision.core.errors import EntryError, InputError
from calovision.core.kinematics import delta_phi
from calovision.images import SparseImages
from calovision.images.grid import JetGrid
from calovision.images.jet_images import JetImageRecipe
from calovision.jets import JET_VARIABLES, jet_substructure, trim
from calovision.jets.substructure import clustering
from calovision.jets.substructure.particles import JetParticles
from calovision.ntuples import iterate_events
from calovision.storage import ImageFile
from calovision.storage.compatibility import JET_VARIABLES_OF_FILE, warn_of_other_variables

FIELDS = ("pt", "eta", "phi")
TAUS = ("tau1", "tau2", "tau3", "tau4")
RADIUS = 0.8
ALWAYS = ("soft_drop_mass", "trimmed_mass", "n_constituents", "n_charged")
"""Variables that are numbers for a jet without constituents."""


def jets_of(*jets, **more):
    """Constituents (pt, eta, phi) of each jet as records."""
    return ak.Array(
        [[{**dict(zip(FIELDS, one, strict=True)), **more} for one in jet] for jet in jets]
    )


def variables_of(*jets, names=JET_VARIABLES, **more):
    """Variables of a list of jets, of constituents without charge."""
    return jet_substructure(jets_of(*jets, charge=0, **more), names, radius=RADIUS)


@pytest.fixture(scope="module")
def random_jets():
    """40 jets of 1 to 25 massive constituents in float64, some across phi = pi, some at eta 4."""
    rng = np.random.default_rng(20)
    counts = np.array([*range(1, 7), *rng.integers(5, 26, 34)])
    n = counts.sum()
    pt, mass = rng.exponential(8, n) + 0.2, rng.choice([0.0, 0.14, 1.0], n)
    eta = np.repeat(rng.uniform(-4, 4, len(counts)), counts) + rng.normal(0, 0.3, n)
    phi = np.repeat(rng.uniform(-3.2, 3.2, len(counts)), counts) + rng.normal(0, 0.3, n)
    fields = {"pt": pt, "eta": eta, "phi": phi, "e": np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2)}
    charge = rng.integers(-1, 2, n)
    return ak.unflatten(ak.zip({**fields, "charge": charge, "mass": mass}), counts)


@pytest.fixture(scope="module")
def found(random_jets):
    return jet_substructure(random_jets, JET_VARIABLES, radius=RADIUS)


# Closed forms


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_a_jet_of_n_prongs_has_no_subjettiness_beyond(n):
    found = variables_of([(100.0, 0.3, 0.5 * i) for i in range(n)], names=TAUS)
    taus = [float(found[name][0]) for name in TAUS]
    assert taus[n - 1 :] == [0.0] * (5 - n)
    assert all(tau > 0.1 for tau in taus[: n - 1])


def test_two_prongs():
    """pT 60 and 40 GeV at a distance of 0.6, across phi = pi."""
    found = variables_of([(60.0, 1.0, 3.0), (40.0, 1.0, 3.6 - 2 * np.pi)])
    axis = np.arctan2(40 * np.sin(0.6), 60 + 40 * np.cos(0.6))  # from the harder one
    expected = {
        "tau1": 0.4 * 0.6 / RADIUS, "tau2": 0, "tau3": 0, "tau4": 0,
        "tau21": 0, "tau32": np.nan, "tau43": np.nan,
        "soft_drop_mass": np.sqrt(2 * 60 * 40 * (1 - np.cos(0.6))),
        "trimmed_mass": np.sqrt(2 * 60 * 40 * (1 - np.cos(0.6))),
        "c2": 0, "d2": 0, "width": 0.6 * axis + 0.4 * (0.6 - axis),
        "ptd": np.sqrt(0.52), "lha": 0.4 * np.sqrt(0.6 / RADIUS),
        "n_constituents": 2, "n_charged": 0, "jet_charge": 0,
    }  # fmt: skip
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], [value], rtol=1e-12, err_msg=name)


def test_equilateral_prongs():
    """Three equal prongs a distance d apart: C2 = d / 3, D2 = 1, tau_2 one prong's share."""
    d, pt = 0.4, 50.0
    prongs = [(pt, 0.0, 0.0), (pt, 0.0, d), (pt, d * np.sqrt(3) / 2, d / 2)]
    found = variables_of(prongs)
    expected = {"c2": d / 3, "d2": 1, "tau1": 2 / 3 * d / RADIUS, "tau2": d / 3 / RADIUS}
    expected |= {"tau21": 0.5, "tau32": 0, "ptd": 1 / np.sqrt(3)}
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], [value], rtol=1e-12, err_msg=name)


@pytest.mark.parametrize(("soft", "is_kept"), [(11.2, True), (11.0, False)])
def test_soft_drop_keeps_what_has_more_than_a_tenth(soft, is_kept):
    found = variables_of([(soft, 0.7, 0.4), (100.0, 0.2, 0.1)], names=["soft_drop_mass"])
    mass = np.sqrt(2 * 100 * soft * (np.cosh(0.5) - np.cos(0.3))) if is_kept else 0
    np.testing.assert_allclose(found["soft_drop_mass"], [mass], rtol=1e-12)


def test_charges():
    constituents = ak.with_field(
        jets_of([(16.0, 0, 0), (9.0, 0, 0.1), (4.0, 0.1, 0)], []), [[1, -1, 0], []], "charge"
    )
    found = jet_substructure(constituents, ["n_charged", "jet_charge"], radius=1.0)
    assert found["n_charged"].tolist() == [2, 0]
    np.testing.assert_allclose(found["jet_charge"], [(4 - 3) / np.sqrt(29), np.nan])


# Degenerate jets


def test_jets_without_constituents_and_with_one():
    nothing = [(0.0, 0.1, 0.2), (-3.0, 0, 0), (5.0, np.nan, 0), (5.0, 0, np.inf), (5.0, 99.0, 0)]
    found = variables_of([], nothing, [(7.0, 1.5, 2.0), *nothing])
    for name, values in found.items():
        assert values[:2].tolist() == [0, 0] if name in ALWAYS else np.isnan(values[:2]).all()
    one = {name: values[2] for name, values in found.items()}
    undefined = {"tau21", "tau32", "tau43", "c2", "d2"}
    assert {name for name, value in one.items() if np.isnan(value)} == undefined
    given = {name for name, variable in JET_VARIABLES.items() if variable.undefined_for}
    assert given == set(JET_VARIABLES) - set(ALWAYS)
    assert {name: value for name, value in one.items() if value != 0 and name not in undefined} == {
        "ptd": 1.0, "n_constituents": 1,
    }  # fmt: skip


def test_constituents_in_one_direction():
    found = variables_of([(5.0, 3.0, 2.0)] * 6)
    assert found["tau1"].tolist() == found["width"].tolist() == found["lha"].tolist() == [0.0]
    assert np.isnan([found[name][0] for name in ("tau21", "c2", "d2")]).all()
    assert found["soft_drop_mass"][0] < 1e-5


def test_missing_jets_and_constituents():
    jet = jets_of([(60.0, 1.0, 3.0), (40.0, 1.3, 2.5)])[0].tolist()
    found = jet_substructure(ak.Array([None, [*jet, None]]), ["n_constituents"], radius=1.0)
    assert found["n_constituents"].tolist() == [0, 2]


def test_one_massive_constituent_has_its_mass():
    e = np.sqrt((5 * np.cosh(2.0)) ** 2 + 0.9**2)
    found = variables_of([(5.0, 2.0, 1.0)], [(5.0, 2.0, 1.0), (0.1, 2.5, 1.0)], e=e)
    for name in ("soft_drop_mass", "trimmed_mass"):
        np.testing.assert_allclose(found[name], 0.9, rtol=1e-9)
    of_mass = variables_of([(5.0, 2.0, 1.0)], mass=0.9)
    without = variables_of([(5.0, 2.0, 1.0)], e=np.nan, mass=0.9)  # the energy, which is unknown
    assert (of_mass["trimmed_mass"].item(), without["trimmed_mass"].item()) == (0.9, 0.0)


def test_extreme_numbers_are_numbers():
    jets = [(1e12, 49.0, 1.0), (1e-300, -49.0, 2.0), (3.0, 0.0, 1.0), (3.0, 0.0, 1.0 + np.pi)]
    found = variables_of(jets)
    assert all(np.isfinite(values).all() for values in found.values())


# Second implementations


def particles_of(jet):
    """fastjet.PseudoJet of each constituent."""
    momenta = zip(*(jet[name].tolist() for name in (*FIELDS, "e")), strict=True)
    return [
        fastjet.PseudoJet(
            pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), e
        )
        for pt, eta, phi, e in momenta
    ]  # fmt: skip


def test_subjettiness_is_that_of_axes_of_fastjet(random_jets, found):
    definition = fastjet.JetDefinition(
        fastjet.kt_algorithm, fastjet.JetDefinition.max_allowable_R, fastjet.WTA_pt_scheme
    )
    for i, jet in enumerate(random_jets):
        particles = particles_of(jet)
        sequence = fastjet.ClusterSequence(particles, definition)
        pt = np.array([one.pt() for one in particles])
        for n in range(1, min(len(jet), 4) + 1):
            axes = sequence.exclusive_jets(n)
            distances = [[one.delta_R(axis) for axis in axes] for one in particles]
            expected = np.sum(pt * np.min(distances, axis=1)) / (pt.sum() * RADIUS)
            np.testing.assert_allclose(found[f"tau{n}"][i], expected, rtol=1e-9, atol=1e-12)
            if n == 1:
                roots = np.sqrt(np.array(distances)[:, 0] / RADIUS)
                np.testing.assert_allclose(
                    found["lha"][i], np.average(roots, weights=pt), rtol=1e-7, atol=1e-7
                )


def test_masses_and_subjettiness_that_delphes_wrote(delphes_dir):
    path = delphes_dir / "delphes_ATLASfat_rpv_go1400_n850_pythia8_10ev_slim.root"
    names = ("soft_drop_mass", "trimmed_mass", *TAUS)
    fields = {"fat_jets": {"pt", *TAUS}, "constituents": {"pt", "eta", "phi", "e"}}
    (events,) = iterate_events(path, fields=fields)
    jets = ak.flatten(events.fat_jets)
    found = jet_substructure(ak.flatten(events.constituents), names, radius=1.0)
    for name, branch in (("soft_drop_mass", "SoftDroppedP4[5]"), ("trimmed_mass", "TrimmedP4[5]")):
        with uproot.open(path) as file:
            momentum = ak.flatten(file[f"Delphes/FatJet/FatJet.{branch}"].array())[:, 0]
        squared = momentum.fE**2 - sum(momentum.fP[axis] ** 2 for axis in ("fX", "fY", "fZ"))
        heavy = ak.to_numpy(squared > 1)
        assert heavy.sum() > 30
        np.testing.assert_allclose(found[name][heavy], np.sqrt(squared[heavy]), rtol=1e-3)
    for name in TAUS:  # theirs are minimized
        ratio = (found[name] / jets[name]).to_numpy()
        assert np.nanmedian(ratio) == pytest.approx(1, abs=0.02)
        assert np.nanmean(abs(ratio - 1) < 2e-3) > 0.25


def test_masses_and_correlations_are_those_of_fastjet(random_jets, found):
    momenta = ak.zip(
        {
            "px": random_jets.pt * np.cos(random_jets.phi),
            "py": random_jets.pt * np.sin(random_jets.phi),
            "pz": random_jets.pt * np.sinh(random_jets.eta),
            "E": random_jets.e,
        },
        with_name="Momentum4D",
    )
    definition = fastjet.JetDefinition(fastjet.cambridge_algorithm, 50.0)
    sequence = fastjet.ClusterSequence(momenta, definition)
    dropped = sequence.exclusive_jets_softdrop_grooming(1, beta=0.0, symmetry_cut=0.1, R0=RADIUS)
    several = ak.to_numpy(ak.num(random_jets)) > 1
    expected = ak.to_numpy(dropped.msoftdrop)
    np.testing.assert_allclose(
        found["soft_drop_mass"][several], expected[several], rtol=1e-6, atol=1e-3
    )
    for name in ("c2", "d2"):
        expected = sequence.exclusive_jets_energy_correlator(1, beta=1, npoint=3, func=name)
        np.testing.assert_allclose(found[name][several], expected[several], rtol=1e-6)
    trimmed = trim(momenta[np.newaxis], r_sub=0.2, f_cut=0.05)[0]
    np.testing.assert_allclose(found["trimmed_mass"], trimmed.mass, rtol=1e-6, atol=1e-3)


def test_correlations_are_those_of_loops(random_jets, found):
    jets = JetParticles(random_jets, radius=RADIUS, trimming=(0.2, 0.05))
    for i in range(len(jets)):
        part = slice(*jets.offsets[i : i + 2])
        z, y, phi = jets.pt[part] / jets.pt[part].sum(), jets.rapidity[part], jets.phi[part]
        r = np.hypot(y[:, None] - y, delta_phi(phi[:, None], phi))
        e2 = sum(z[i] * z[j] * r[i, j] for i, j in combinations(range(len(z)), 2))
        e3 = sum(
            z[i] * z[j] * z[k] * r[i, j] * r[i, k] * r[j, k]
            for i, j, k in combinations(range(len(z)), 3)
        )
        np.testing.assert_allclose([one[i] for one in jets.correlations], [e2, e3], rtol=1e-9)
        if len(z) > 1:
            np.testing.assert_allclose(found["c2"][i], e3 / e2**2, rtol=1e-9)
            np.testing.assert_allclose(found["d2"][i], e3 / e2**3, rtol=1e-9)


def test_shapes_are_those_of_loops(random_jets, found):
    for i, jet in enumerate(random_jets):
        particles = particles_of(jet)
        total = sum(particles[1:], particles[0])
        pt = np.array([one.pt() for one in particles])
        width = np.average([one.delta_R(total) for one in particles], weights=pt)
        expected = {
            "width": width,
            "ptd": np.sqrt(np.sum(pt**2)) / np.sum(pt),
            "n_constituents": len(jet),
            "n_charged": np.count_nonzero(jet.charge),
            "jet_charge": np.sum(jet.charge * np.sqrt(pt)) / np.sqrt(np.sum(pt)),
        }
        for name, value in expected.items():
            np.testing.assert_allclose(found[name][i], value, rtol=1e-9, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("change", ["order", "turn", "boost", "scale"])
def test_what_changes_nothing(random_jets, found, change):
    jets = random_jets[["pt", "eta", "phi", "charge"]]  # massless, so that eta is rapidity
    before = jet_substructure(jets, JET_VARIABLES, radius=RADIUS)
    masses = 1
    if change == "order":
        jets = jets[:, ::-1]
    elif change == "turn":
        jets = ak.with_field(jets, jets.phi + 2.5, "phi")
    elif change == "boost":
        jets = ak.with_field(jets, jets.eta + 1.5, "eta")
    else:
        jets, masses = ak.with_field(jets, 1e3 * jets.pt, "pt"), 1e3
    after = jet_substructure(jets, JET_VARIABLES, radius=RADIUS)
    for name, values in before.items():
        factor = masses if name.endswith("_mass") else 1
        np.testing.assert_allclose(
            after[name] / factor, values, rtol=1e-7, atol=1e-5 if "mass" in name else 1e-7
        )


def test_blocks_of_jets_change_nothing(random_jets, found, monkeypatch):
    monkeypatch.setattr(clustering, "BLOCK", 9)  # constituents: some jets have more
    again = jet_substructure(random_jets, JET_VARIABLES, radius=RADIUS)
    for name, values in found.items():
        np.testing.assert_array_equal(again[name], values)


# Wrong arguments


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["tau5"], {}, "jet variables: there is no jet variable 'tau5'; did you mean 'tau4'?|tau"),
        (["n_charged"], {}, "no field 'charge', which the jet variable 'n_charged' needs"),
        (["c2"], {"radius": 0.0}, "radius must be positive, not 0.0"),
        (["c2"], {"trimming": (0.2, 1.0)}, r"f_cut must be in \[0, 1\)"),
    ],
)
def test_wrong_arguments(names, options, message):
    with pytest.raises(InputError, match=message):
        jet_substructure(jets_of([(1.0, 0, 0)]), names, **{"radius": 1.0, **options})


@pytest.mark.parametrize(
    ("field", "value"), [("pt", np.nan), ("e", np.inf), ("e", 1e13), ("charge", np.nan)]
)
def test_numbers_that_are_none_name_the_jet(field, value):
    jet = {"pt": 1.0, "eta": 0.0, "phi": 0.0, "e": 1.0, "charge": 0.0}
    jets = ak.Array([[jet], [{**jet, field: value}]])
    with pytest.raises(EntryError) as raised:
        jet_substructure(jets, ["c2", "n_charged"], radius=1.0)
    assert (raised.value.row, raised.value.field) == (1, f"constituents.{field}")
    if field == "charge":  # which is not needed
        assert np.isnan(jet_substructure(jets, ["c2"], radius=1.0)["c2"]).all()


# Columns of files of jets

RECIPE = ImageRecipe(jets=JetImageRecipe(grid=JetGrid(4, 4, 1.6)))


def converted(tmp_path, recipe, **more):
    """Image file of 20 jets of JetClass."""
    write_file(tmp_path / "a.root", tree={**jetclass_columns(), **more})
    sample = Sample("jets", 1, cross_section_required=False)
    convert_ntuple(tmp_path / "a.root", tmp_path / "a.h5", recipe, sample=sample)
    return ImageFile(tmp_path / "a.h5")


def test_columns_are_those_of_the_file_or_of_the_constituents(tmp_path):
    names = ("tau43", "d2", "tau1", "soft_drop_mass", "tau21", "jet_charge", "lha")
    recipe = replace(RECIPE, jet_variables=names)
    file = converted(tmp_path, recipe)
    assert ImageRecipe.from_dict(recipe.to_dict()) == recipe
    assert file.metadata.recipe["images"]["jet_variables"] == list(names)
    assert file.metadata.definition["jet variables of the file"] == "tau1, tau21"
    (events,) = iterate_events(tmp_path / "a.root")
    jets, constituents = (
        ak.flatten(one[events.fat_jets.pt > 0], axis=1)
        for one in (events.fat_jets, events.constituents)
    )
    chosen = (jets.pt > 200) & (abs(jets.eta) < 2)
    jets, constituents = jets[chosen], constituents[chosen]
    computed = jet_substructure(constituents, names, radius=0.8)
    computed |= {"tau1": jets["tau1"], "tau21": jets["tau2"] / jets["tau1"]}
    assert len(file) == len(jets) > 5
    for name in names:
        np.testing.assert_allclose(file.events[name][:], computed[name], rtol=1e-12)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (
            replace(RECIPE, jet_variables=("tauu21",)),
            "no jet variable 'tauu21'; did you mean 'tau21'",
        ),
        (replace(RECIPE, variables={"d2": "jet_sdmass"}), "variable 'd2': this is the name of a"),
        (ImageRecipe(jet_variables=("d2",)), "jet_variables is d2, but the images are of events"),
    ],
)
def test_recipes_that_make_no_variables(tmp_path, recipe, message):
    with pytest.raises(InputError, match=message):
        converted(tmp_path, recipe)
    assert not (tmp_path / "a.h5").exists()


def test_variables_that_the_towers_do_not_give(tmp_path, delphes_dir):
    path = delphes_dir / "delphes_ATLASfat_rpv_go1400_n850_pythia8_10ev_slim.root"
    recipe = replace(RECIPE, jet_variables=("n_charged", "d2", "jet_charge"))
    message = (
        "have only eta, phi, pt, e; of the variables of jets n_charged, jet_charge need charge"
    )
    with pytest.raises(InputError, match=message):
        convert_ntuple(
            path, tmp_path / "a.h5", recipe, sample=Sample("rpv", 1, cross_section_required=False)
        )


def test_stored_recipe_with_other_variables():
    for value, message in (("d2", "is 'd2': give a list of names"), (["d3"], "no jet variable")):
        with pytest.raises(InputError, match=f"image recipe: jet_variables: .*{message}"):
            ImageRecipe.from_dict({**RECIPE.to_dict(), "jet_variables": value})


def test_recipe_of_a_model_has_only_the_variables_that_it_sees():
    recipe = replace(RECIPE, jet_variables=("d2", "tau21"), preselection={"hard": "ht > 1"})
    assert narrowed(recipe, {"tau21", "mass"}).jet_variables == ("tau21",)


@pytest.mark.parametrize(("n_rows", "value", "warns"), [(100, 0.0, 1), (100, 0.5, 0), (99, 0.0, 0)])
def test_variables_without_a_value_are_told(n_rows, value, warns):
    check = ImageCheck(replace(RECIPE, jet_variables=("d2", "tau21")))
    images = SparseImages.from_dense(np.ones((n_rows, 1, 2, 2), dtype=np.float32))
    check.add(images, np.zeros((n_rows, 1)))
    tau21 = np.full(n_rows, np.nan)
    tau21[-1] = value
    check.add_variables({"d2": np.ones(n_rows), "tau21": tau21})
    found = check.warnings()
    assert len(found) == warns
    assert (
        not warns
        or "variables tau21 are 0 or not defined in all 100 jets; if the file's"
        in (found["jet variables"])
    )


def test_samples_whose_variables_come_from_elsewhere_are_told(caplog):
    infos = [
        make_metadata(sample=sample, definition={JET_VARIABLES_OF_FILE: of_file})
        for sample, of_file in (("qcd", "tau21"), ("top", "none"), ("w", "none"))
    ]
    warn_of_other_variables(infos[1:])
    assert not caplog.records
    warn_of_other_variables(infos)
    assert "(of the file: tau21 in qcd, none in top, w)" in caplog.text
