"""The schema language: parts, names of fields, momenta and positions, numbers that form objects."""

import awkward as ak
import numpy as np
import pytest
from fakes_ntuples import floats, write_file
from test_ntuples_custom import read_all, write_schema

from calovision import EtaPhiGrid, build_images
from calovision.ntuples.schemas import find_schema
from calovision.ntuples.schemas.custom.keys import COLLECTIONS
from calovision.ntuples.schemas.custom.parts import read_parts
from calovision.ntuples.schemas.custom.sections import Section

N_EVENTS = 6


@pytest.fixture(scope="module")
def values():
    """Branches in float32: of particles, some without transverse momentum, and numbers."""
    rng = np.random.default_rng(8)
    counts = [4, 0, 3, 5, 1, 2]
    columns = {name: floats(rng, counts, -900, 900) for name in ("px", "py", "pz")}
    columns |= {name: floats(rng, counts, 0, 1) for name in ("frac", "m")}
    rest = np.zeros(sum(counts), dtype=np.float32)
    for name in ("px", "py"):
        columns[name] = ak.unflatten(np.r_[rest[:2], ak.flatten(columns[name])[2:]], counts)
    pz = np.r_[rest[:1], ak.flatten(columns["pz"])[1:]].astype(np.float32)
    columns["pz"] = ak.unflatten(pz, counts)
    columns |= {f"cl_{name}": floats(rng, counts, -2, 2) for name in ("eta", "phi", "e")}
    columns |= {f"hc_{name}": floats(rng, counts[::-1], -2, 2) for name in ("eta", "phi", "e")}
    columns |= {f"{name}1": rng.uniform(-1, 1, N_EVENTS) for name in ("eta", "phi")}
    columns |= {"pt1": np.array([9.0, -999, 3, 4, -999, 7]), "pt2": np.arange(6.0)}
    return columns | {"eta2": columns["eta1"] * 2, "phi2": columns["phi1"] / 2}


@pytest.fixture(scope="module")
def file(values, tmp_path_factory):
    return write_file(tmp_path_factory.mktemp("language") / "a.root", t=values)


def reading(file, tmp_path, text):
    return read_all(file, write_schema(tmp_path, f"tree: t\n{text}"))


def double(values, name):
    return ak.to_numpy(ak.flatten(values[name])).astype(np.float64)


def flat(array):
    return ak.to_numpy(ak.flatten(array))


def test_parts_are_joined_in_their_order(values, file, tmp_path):
    text = """
towers:
  - {eta: cl_eta, phi: cl_phi, e: cl_e, e_em: e, e_had: 0 * e, cut: e > 0}
  - {eta: hc_eta, phi: hc_phi, e: hc_e / 2, e_em: 0, e_had: e}
"""
    towers = reading(file, tmp_path, text).towers
    for event in range(N_EVENTS):
        cl, hc = (np.array(values[f"{name}_e"][event]) for name in ("cl", "hc"))
        np.testing.assert_array_equal(towers.e[event], np.r_[cl[cl > 0], hc / 2])
        np.testing.assert_array_equal(towers.e_had[event], np.r_[0 * cl[cl > 0], hc / 2])
        np.testing.assert_array_equal(towers.e_em[event], np.r_[cl[cl > 0], 0 * hc])
    assert 0 < len(flat(towers.e)) < 2 * len(flat(values["cl_e"]))


def test_names_of_fields_are_their_formulas(values, file, tmp_path):
    """A name in its own formula, and one in quotes of its own, is the branch."""
    text = "towers: {eta: cl_eta, phi: cl_phi, e: pz / 1000, e_em: e * frac, e_had: e - e_em}\n"
    towers = reading(file, tmp_path, text).towers
    e = double(values, "pz") / 1000
    part = double(values, "frac")
    np.testing.assert_array_equal(flat(towers.e_em), (e * part).astype(np.float32))
    np.testing.assert_array_equal(flat(towers.e_had), (e - e * part).astype(np.float32))

    text = "tracks: {pt: abs(pz), eta: px * 0.001, phi: \"'phi1' + py * 0.001\", cut: pt > 400}\n"
    tracks = reading(file, tmp_path, text).tracks
    hard = np.abs(double(values, "pz")) > 400
    np.testing.assert_array_equal(flat(tracks.pt), np.abs(double(values, "pz"))[hard])
    phi = np.repeat(values["phi1"], ak.num(values["pz"])) + double(values, "py") * 0.001
    np.testing.assert_allclose(flat(tracks.phi), phi[hard], rtol=1e-6)


def test_branch_of_the_name_of_a_field(tmp_path):
    """Own names are branches, the names of others are fields, unless they stand in quotes."""
    lists = ak.Array([[2.0, 4.0], [], [8.0]])
    path = write_file(tmp_path / "a.root", t={"e": lists, "eta": lists, "phi": lists * 0})
    text = "tree: t\ntowers: {eta: eta, phi: phi, e: e / 2, e_em: e + 1, e_had: \"'e' + e\"}\n"
    schema = write_schema(tmp_path, text)
    towers = read_all(path, schema).towers
    assert towers.eta.tolist() == [[2, 4], [], [8]]
    assert towers.e_em.tolist() == [[2, 3], [], [5]]
    assert towers.e_had.tolist() == [[3, 6], [], [12]]
    (version,) = find_schema(schema).versions
    assert version.notes == tuple(
        f"{schema}, line 2: towers.{name}: e is the field e, 'e / 2'; for the branch write 'e' in "
        "quotes of its own"
        for name in ("e_em", "e_had")
    )


def test_momenta_in_cartesian_components(values, file, tmp_path):
    """In float64 and rounded once; along the beam eta is infinite, and 0 where all are 0."""
    text = """
tracks: {px: px / 1000, py: py / 1000, pz: pz / 1000}
candidates: {px: px, py: py, pz: pz, mass: m, charge: 0}
jets: {px: px, py: py, pz: pz, e: sqrt(px**2 + py**2 + pz**2 + m**2)}
"""
    events = reading(file, tmp_path, text)
    px, py, pz, m = (double(values, name) for name in ("px", "py", "pz", "m"))
    pt = np.sqrt(px**2 + py**2)
    along = np.where(pz == 0, 0, np.copysign(np.inf, pz))
    eta = np.arcsinh(np.divide(pz, pt, out=along, where=pt > 0))
    assert np.isinf(eta).sum() == 1
    assert eta[0] == 0
    e = np.sqrt(m**2 + px**2 + py**2 + pz**2)
    single = {"rtol": 1e-7, "atol": 0}
    np.testing.assert_allclose(flat(events.tracks.pt), (pt / 1000).astype(np.float32), **single)
    np.testing.assert_allclose(flat(events.tracks.eta), eta.astype(np.float32), **single)
    np.testing.assert_allclose(
        flat(events.tracks.phi), np.arctan2(py, px).astype(np.float32), **single
    )
    np.testing.assert_allclose(flat(events.candidates.e), e.astype(np.float32), **single)
    assert events.candidates.charge.tolist() == (ak.values_astype(values["px"], int) * 0).tolist()
    np.testing.assert_allclose(flat(events.fat_jets.mass), m, rtol=2e-3)


def test_mass_of_light_jets_is_never_nan(tmp_path):
    """Rounding in float32 takes the squares of many light jets' masses below 0."""
    rng = np.random.default_rng(2)
    px, py, pz = rng.normal(0, 500, (3, 1000)).astype(np.float32)
    e = np.sqrt(px.astype(float) ** 2 + py.astype(float) ** 2 + pz.astype(float) ** 2)
    columns = {"px": px, "py": py, "pz": pz, "e": e.astype(np.float32)}
    columns = {name: ak.unflatten(one, [400, 0, 600]) for name, one in columns.items()}
    columns["pt"] = np.sqrt(columns["px"] ** 2 + columns["py"] ** 2)
    columns["eta"] = np.arcsinh(columns["pz"] / columns["pt"])
    path = write_file(tmp_path / "a.root", t=columns)
    cartesian = reading(path, tmp_path, "jets: {px: px, py: py, pz: pz, e: e}\n" + ONE_TOWER)
    polar = reading(path, tmp_path, "jets: {pt: pt, eta: eta, phi: px / 1000, e: e}\n" + ONE_TOWER)
    for jets in (cartesian.fat_jets, polar.fat_jets):
        mass = flat(jets.mass)
        assert np.all(mass >= 0)
        assert np.any(mass == 0)
        assert np.max(mass) < 2
    square = double(columns, "e") ** 2 - sum(double(columns, name) ** 2 for name in ("px", "py"))
    square -= double(columns, "pz") ** 2
    np.testing.assert_allclose(
        flat(cartesian.fat_jets.mass), np.sqrt(np.maximum(square, 0)), atol=2e-3
    )


ONE_TOWER = "towers: {eta: eta, phi: px / 1000, e: e}\n"


def test_cells_at_a_position(values, file, tmp_path):
    text = "towers: {x: px, y: py, z: pz, e: m, cut: eta > 1}\n"
    towers = reading(file, tmp_path, text).towers
    x, y, z = (double(values, name) for name in ("px", "py", "pz"))
    with np.errstate(all="ignore"):
        eta = np.arcsinh(z / np.hypot(x, y))
    forward = eta > 1
    np.testing.assert_allclose(flat(towers.eta), eta[forward].astype(np.float32), rtol=1e-7)
    np.testing.assert_allclose(
        flat(towers.phi), np.arctan2(y, x)[forward].astype(np.float32), rtol=1e-7
    )
    assert flat(towers.e).tolist() == double(values, "m")[forward].tolist()


def test_images_of_parts_are_plain_histograms(values, file, tmp_path):
    """Cells at positions and clusters in MeV, every cell of the image; what is outside is lost."""
    text = """
towers:
  - {x: px, y: py, z: pz, e: m, e_em: e * frac, e_had: e - e_em, cut: e > 0.1}
  - {eta: cl_eta, phi: cl_phi, e: abs(cl_e) * 500 / 1000, e_em: 0, e_had: e}
"""
    towers = reading(file, tmp_path, text).towers
    grid = EtaPhiGrid(n_eta=8, n_phi=8, eta_range=(-2, 2))
    images, _ = build_images(towers, None, grid, ["em", "had"])
    edges = (np.linspace(-2, 2, 9), np.linspace(-np.pi, np.pi, 9))
    for event in range(N_EVENTS):
        at = {name: np.array(of[event], dtype=np.float64) for name, of in values.items()}
        with np.errstate(all="ignore"):
            eta = np.arcsinh(at["pz"] / np.hypot(at["px"], at["py"]))
        eta[np.isnan(eta)] = 0  # where x, y and z are 0
        cell = (at["m"] > 0.1) & np.isfinite(eta)
        place = (eta[cell], np.arctan2(at["py"], at["px"])[cell])
        em, had = (at["m"] * part for part in (at["frac"], 1 - at["frac"]))
        of_clusters = np.abs(at["cl_e"]) / 2
        clusters = np.histogram2d(at["cl_eta"], at["cl_phi"], edges, weights=of_clusters)[0]
        expected = [np.histogram2d(*place, edges, weights=one[cell])[0] for one in (em, had)]
        np.testing.assert_allclose(images[event, 0], expected[0], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(images[event, 1], expected[1] + clusters, rtol=1e-5, atol=1e-6)


def test_numbers_form_a_collection(values, file, tmp_path):
    """One object for each branch of a list, those of the sentinel -999 dropped by the cut."""
    text = """
tracks: {pt: [pt1, pt2], eta: [eta1, eta2], phi: [phi1, phi2], cut: pt > 0}
towers: {eta: eta1, phi: phi1, e: pt2, one_per_entry: true}
jets: {pt: [pt1, pt2], eta: [eta1, eta2], phi: phi1, mass: pt / 10}
"""
    events = reading(file, tmp_path, text)
    first, second = values["pt1"], values["pt2"]
    expected = [[pt for pt in pair if pt > 0] for pair in zip(first, second, strict=True)]
    assert events.tracks.pt.tolist() == expected
    assert [len(pts) for pts in expected] == [1, 1, 2, 2, 1, 2]
    assert events.tracks.eta[2].tolist() == [values["eta1"][2], values["eta2"][2]]
    assert events.towers.e.tolist() == [[pt] for pt in second]
    assert events.fat_jets.pt.tolist() == [list(pair) for pair in zip(first, second, strict=True)]
    np.testing.assert_allclose(flat(events.fat_jets.mass), flat(events.fat_jets.pt) / 10)
    assert events.fat_jets.phi[3].tolist() == [values["phi1"][3]] * 2


def test_numbers_form_the_constituents_of_one_jet(values, file, tmp_path):
    text = """
jets: {one_per_entry: true}
constituents: {pt: [pt1, pt2], eta: [eta1, eta2], phi: [phi1, phi2], cut: pt > 0}
"""
    events = reading(file, tmp_path, text)
    for event in range(N_EVENTS):
        pt, eta, phi = (
            np.array([values[f"{name}{i}"][event] for i in (1, 2)]) for name in ("pt", "eta", "phi")
        )
        kept = pt > 0
        assert events.constituents.pt[event].tolist() == [pt[kept].tolist()]
        px, py = (np.sum((pt * turn(phi))[kept]) for turn in (np.cos, np.sin))
        np.testing.assert_allclose(events.fat_jets.pt[event], [np.hypot(px, py)], rtol=1e-12)
        p = [px, py, np.sum((pt * np.sinh(eta))[kept])]
        square = np.sum((pt * np.cosh(eta))[kept]) ** 2 - np.dot(p, p)
        np.testing.assert_allclose(events.fat_jets.mass[event] ** 2, [square], atol=1e-9)


def test_members_of_four_momenta():
    """``p4`` names the members of a branch; what is given beside it comes first."""

    def fields(name, **given):
        parts = read_parts(COLLECTIONS[name], Section({name: given}, "a.yaml")).parts
        return [dict(part.fields) for part in parts]

    assert fields("jets", p4="Jets", mass="Jets_softdrop") == [
        {"pt": "Jets.pt", "eta": "Jets.eta", "phi": "Jets.phi", "mass": "Jets_softdrop"}
    ]
    assert fields("towers", p4="'a-b'", e_em="e / 2")[0] == {
        "eta": "'a-b.eta'",
        "phi": "'a-b.phi'",
        "e": "'a-b.e'",
        "e_em": "('a-b.e' / 2)",
    }
    found = fields("candidates", p4=["l1", "l2"], charge=["q1", "q2"])
    assert [one["e"] for one in found] == ["l1.e", "l2.e"]
    assert [one["charge"] for one in found] == ["q1", "q2"]
