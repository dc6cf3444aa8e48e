"""What is read for a recipe: only what it needs, from files that lack this or that, or a sentence
that names it."""

import awkward as ak
import numpy as np
import pytest
from fakes_cli import fail, succeed
from fakes_ntuples import jetclass_columns, nanoaod_columns, write_file, write_nanoaod

from calovision.conversion import ImageRecipe, Sample, Source, convert_ntuple
from calovision.conversion.fields import fields_to_read
from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.images.jet_images import JetImageRecipe
from calovision.jets import FatJetDefinition, cluster_fat_jets, event_variables, select_fat_jets
from calovision.ntuples import iterate_events, open_ntuple
from calovision.ntuples import plan as plans
from calovision.storage import ImageFile

GRID = EtaPhiGrid(16, 16)
SAMPLE = {"sample": "qcd", "label": 0}
N = 20


def lists(rng, counts, low, high):
    return ak.unflatten(rng.uniform(low, high, counts.sum()).astype(np.float32), counts)


def delphes_columns(*, fat_jets=True):
    """Two hard clumps of towers an event, with fat jets that are not those of the towers (half
    their pT)."""
    rng = np.random.default_rng(3)
    axes, counts = rng.uniform(-1.5, 1.5, (N, 2)), np.full(N, 40)
    spread = [np.concatenate([rng.normal(eta, 0.15, 20) for eta in pair]) for pair in axes]
    phi = [
        np.concatenate([rng.normal(0.5, 0.15, 20), rng.normal(-2.5, 0.15, 20)]) for _ in range(N)
    ]
    energy = lists(rng, counts, 1, 60)
    columns = {"Tower.Eta": ak.Array(spread), "Tower.Phi": ak.Array(phi)}
    columns |= {"Tower.E": energy, "Tower.Eem": 0.4 * energy, "Tower.Ehad": 0.6 * energy}
    tracks = np.full(N, 3)
    columns |= {"Track.PT": lists(rng, tracks, 1, 5), "Track.Eta": lists(rng, tracks, -1, 1)}
    columns |= {
        "Track.Phi": lists(rng, tracks, -1, 1),
        "Event.Number": ak.Array([[i] for i in range(N)]),
    }
    if fat_jets:
        jets = {"PT": 250.0, "Eta": 0.1, "Phi": 0.2, "Mass": 33.0}
        columns |= {f"FatJet.{name}": ak.Array([[value]] * N) for name, value in jets.items()}
    return {name: ak.values_astype(values, np.float32) for name, values in columns.items()}


def write_delphes(path, columns):
    return write_file(path, Delphes=columns)


def trimmed_jets(path, **options):
    """The jets that clustering and trimming the towers of a file gives, on a road of its own."""
    (events,) = iterate_events(path, fields={"towers": {"e", "eta", "phi"}}, **options)
    jets = cluster_fat_jets(events.towers, radius=1.0, pt_min=100.0, trimming=(0.2, 0.05))
    return event_variables(select_fat_jets(jets, pt_min=100.0, eta_max=2.0))


TRIMMED = FatJetDefinition(pt_min=100.0, groomed=True)


def test_delphes_without_trimmed_jets_is_clustered(tmp_path):
    """The file's own jets are not trimmed, so that they do not count."""
    path = write_delphes(tmp_path / "a.root", delphes_columns())
    recipe = ImageRecipe(grid=GRID, fat_jets=TRIMMED, preselection={"jets": "n_fat_jets >= 1"})
    convert_ntuple(path, tmp_path / "a.h5", recipe, sample=Sample("qcd", 0, cross_section_pb=1.0))
    file, expected = ImageFile(tmp_path / "a.h5"), trimmed_jets(path)
    passed = expected["n_fat_jets"] >= 1
    assert passed.sum() > 10
    for name, values in expected.items():
        np.testing.assert_allclose(file.events[name], values[passed], rtol=1e-6)
    assert not np.any(file.events["mj_sum"] == 33.0)


@pytest.mark.parametrize("selection", [(), ("--select", "n_fat_jets >= 1")])
@pytest.mark.parametrize("images", [(), ("--jets",)])
def test_trimmed_on_the_command_line(tmp_path, selection, images):
    path = write_delphes(tmp_path / "a.root", delphes_columns())
    options = ("--trimmed", "--pt-min", "100", "--grid", "8x8", *selection, *images)
    succeed("images", path, "-o", tmp_path / "a.h5", *options)
    events = ImageFile(tmp_path / "a.h5").events
    masses = trimmed_jets(path)["fat_jets"][:, 0, 3]
    assert set(np.round(events["fat_jets"][:, 0, 3], 3)) <= set(np.round(masses, 3))
    assert len(events["weight"]) > 10


def nanoaod_with_hard_clumps(**changes):
    """Candidates of `delphes_columns` in the layout of PFNano, with fat jets of half their pT."""
    towers = delphes_columns()
    columns = {
        f"PFCands_{name}": towers[f"Tower.{leaf}"]
        for name, leaf in (("eta", "Eta"), ("phi", "Phi"))
    }
    columns["PFCands_pt"] = towers["Tower.E"] / np.cosh(towers["Tower.Eta"])
    zeros = ak.zeros_like(towers["Tower.E"])
    columns |= {"PFCands_mass": zeros, "PFCands_pdgId": ak.values_astype(zeros + 130, np.int32)}
    columns |= {
        "PFCands_charge": ak.values_astype(zeros, np.int32),
        "event": np.arange(N, dtype=np.uint64),
    }
    columns |= {
        f"FatJet_{name.lower()}": towers[f"FatJet.{name}"] for name in ("PT", "Eta", "Phi", "Mass")
    }
    columns |= {
        "FatJetPFCands_jetIdx": ak.Array([[0, 0]] * N),
        "FatJetPFCands_pFCandsIdx": ak.Array([[0, 1]] * N),
    }
    return columns | changes


@pytest.mark.parametrize("with_jets", [True, False], ids=["constituents", "candidates"])
def test_trimmed_nanoaod_is_clustered_from_its_candidates(tmp_path, with_jets):
    columns = nanoaod_with_hard_clumps()
    if not with_jets:
        columns = {
            name: values for name, values in columns.items() if not name.startswith("FatJet")
        }
    path = write_nanoaod(tmp_path / "a.root", columns=columns, runs={"run": np.array([1])})
    recipe = ImageRecipe(
        grid=GRID, channels=("et",), fat_jets=TRIMMED, preselection={"jets": "n_fat_jets >= 1"}
    )
    convert_ntuple(path, tmp_path / "a.h5", recipe, sample=Sample("qcd", 0, cross_section_pb=1.0))
    found, expected = ImageFile(tmp_path / "a.h5").events, trimmed_jets(path)
    passed = expected["n_fat_jets"] >= 1
    np.testing.assert_allclose(found["fat_jets"], expected["fat_jets"][passed], rtol=1e-6)
    (events,) = iterate_events(path, trimmed=True)
    assert (events.fat_jets, events.constituents) == (None, None)
    assert {"fat_jets", "constituents"}.isdisjoint(open_ntuple(path, trimmed=True).collections)


def test_jet_images_of_trimmed_nanoaod_jets(tmp_path):
    path = write_nanoaod(
        tmp_path / "a.root", columns=nanoaod_with_hard_clumps(), runs={"run": np.array([1])}
    )
    recipe = ImageRecipe(
        fat_jets=TRIMMED, jets=JetImageRecipe(JetGrid(16, 16, 3.0), channels=("et",))
    )
    convert_ntuple(path, tmp_path / "a.h5", recipe, sample=Sample("qcd", 0, cross_section_pb=1.0))
    file = ImageFile(tmp_path / "a.h5")
    expected = trimmed_jets(path)
    passed = expected["n_fat_jets"] >= 1
    np.testing.assert_allclose(file.events["pt"], expected["leading_pt"][passed], rtol=1e-6)
    # the sum of the trimmed constituents is about the pT of the trimmed jet, a fat jet being narrow
    # here
    ratio = file.dense(np.arange(len(file))).sum(axis=(1, 2, 3)) / file.events["pt"]
    assert ratio.min() > 0.999
    assert ratio.max() < 1.05


def test_trimmed_jetclass_is_clustered(tmp_path):
    path = write_file(tmp_path / "j.root", tree=jetclass_columns(50))
    recipe = ImageRecipe(grid=GRID, channels=("et",), fat_jets=TRIMMED)
    convert_ntuple(path, tmp_path / "a.h5", recipe, sample=Sample("qcd", 0, cross_section_pb=1.0))
    expected = trimmed_jets(path)
    assert expected["n_fat_jets"].sum() > 20
    np.testing.assert_allclose(
        ImageFile(tmp_path / "a.h5").events["fat_jets"], expected["fat_jets"], rtol=1e-6
    )


def test_trimmed_where_there_is_nothing_to_cluster(tmp_path):
    schema = tmp_path / "s.yaml"
    schema.write_text(
        "tree: t\ncandidates: {pt: x, eta: x, phi: x, charge: 1}\njets: {pt: x, eta: x, phi: x, "
        "mass: x}\n"
    )
    path = write_file(tmp_path / "a.root", t={"x": ak.Array([[1.0], [2.0]])})
    arguments = (
        "images",
        path,
        "-o",
        tmp_path / "a.h5",
        "--schema",
        schema,
        "--channels",
        "charged_pt",
    )
    message = fail(*arguments, "--trimmed")
    assert "a.root: clustering trimmed fat jets needs towers, which the file has not" in message
    assert not (tmp_path / "a.h5").exists()
    succeed(*arguments)  # without trimming, the file's own jets do


def test_clustering_without_towers_is_refused(tmp_path):
    schema = tmp_path / "s.yaml"
    schema.write_text("tree: t\ncandidates: {pt: x, eta: x, phi: x, charge: 1}\n")
    path = write_file(tmp_path / "a.root", t={"x": ak.Array([[1.0], [2.0]])})
    recipe = ImageRecipe(grid=GRID, channels=("charged_pt",))
    with pytest.raises(
        InputError, match=r"a.root: clustering fat jets needs towers, which the file has not"
    ):
        convert_ntuple(
            Source(path, schema=schema),
            tmp_path / "a.h5",
            recipe,
            sample=Sample("qcd", 0, cross_section_pb=1.0),
        )


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (
            {"channels": ("em",)},
            "the image channel 'em' needs towers with e_em, but those of the file have only eta, "
            "phi, e; choose channels of energy, et, towers$",
        ),
        (
            {"channels": ("et", "tracks")},
            "'tracks' needs tracks, which the file has not; choose channels of energy, et, towers$",
        ),
        (
            {"jets": JetImageRecipe(JetGrid(4, 4, 1.0), channels=("track_pt",))},
            "clustering fat jets needs towers with charge, but those of the file have only eta, "
            "phi, e",
        ),
    ],
)
def test_fields_that_the_file_has_not(tmp_path, recipe, message):
    schema = tmp_path / "s.yaml"
    schema.write_text("tree: t\ntowers: {eta: x, phi: x, e: x}\n")
    path = write_file(tmp_path / "a.root", t={"x": ak.Array([[1.0], [2.0]])})
    with pytest.raises(InputError, match=message):
        fields_to_read(ImageRecipe(grid=GRID, **recipe), open_ntuple(path, schema=schema))


def ragged_scale_weights(counts):
    return {"LHEScaleWeight": ak.unflatten(np.ones(int(np.sum(counts)), dtype=np.float32), counts)}


def test_weights_that_are_missing_in_some_events_are_not_asked_for(tmp_path):
    path = write_nanoaod(tmp_path / "a.root", **ragged_scale_weights(np.arange(30) % 2 * 9))
    nominal = nanoaod_columns()["genWeight"]
    any_jet = FatJetDefinition(pt_min=0.0)
    of_jets = ImageRecipe(
        fat_jets=any_jet, jets=JetImageRecipe(JetGrid(4, 4, 2.0)), jets_per_event=9
    )
    for number, recipe in enumerate((of_jets, ImageRecipe(grid=GRID, channels=("et",)))):
        metadata = convert_ntuple(
            path, tmp_path / f"{number}.h5", recipe, sample=Sample("qcd", 0, cross_section_pb=1.0)
        )
        events = ImageFile(tmp_path / f"{number}.h5").events
        assert events["weight"].tolist() == nominal[events["event_number"] - 1000].tolist()
        assert "weight_variations" not in events
        assert metadata.sum_of_weights == 50.0
    text = " ".join(succeed("inspect", path).split())
    assert "LHEScaleWeight has 9 values in entry 1, but 0 in entry 0" in text
    assert text.endswith("GeV")  # the display comes all the same


def test_weights_that_are_asked_for_and_missing_in_some_events(tmp_path):
    path = write_nanoaod(tmp_path / "a.root", **ragged_scale_weights(np.arange(30) % 2 * 9))
    with pytest.raises(
        InputError,
        match="LHEScaleWeight has 9 values in entry 1, but 0 in entry 0; each event must",
    ):
        list(iterate_events(path))
    assert "LHEScaleWeight has 9 values in entry 1" in fail(
        "images", path, "-o", tmp_path / "a.h5", "--channels", "et", "--weight-index", "3"
    )


def test_delphes_events_with_different_numbers_of_weights(tmp_path):
    weights = [[1.0 + i, 5.0][: 1 + i % 2] for i in range(N)]
    path = write_delphes(
        tmp_path / "a.root", delphes_columns() | {"Event.Weight": ak.Array(weights)}
    )
    info = open_ntuple(path)
    assert (info.sum_of_weights, info.n_weights) == (210.0, None)
    convert_ntuple(
        path,
        tmp_path / "a.h5",
        ImageRecipe(grid=GRID),
        sample=Sample("qcd", 0, cross_section_pb=1.0),
    )
    events = ImageFile(tmp_path / "a.h5").events
    assert events["weight"].tolist() == [1.0 + i for i in range(N)]
    assert "weight_variations" not in events


def test_delphes_weights_of_each_event_are_stored(tmp_path):
    weights = [[1.0 + i, 5.0] for i in range(N)]
    path = write_delphes(
        tmp_path / "a.root", delphes_columns() | {"Event.Weight": ak.Array(weights)}
    )
    assert open_ntuple(path).n_weights == 2
    convert_ntuple(
        path,
        tmp_path / "a.h5",
        ImageRecipe(grid=GRID),
        sample=Sample("qcd", 0, cross_section_pb=1.0),
    )
    assert ImageFile(tmp_path / "a.h5").events["weight_variations"].tolist() == weights


def test_a_constant_weight(tmp_path):
    schema = tmp_path / "s.yaml"
    schema.write_text("tree: t\nweight: 2\ntowers: {eta: x, phi: x, e: x}\n")
    path = write_file(tmp_path / "a.root", t={"x": ak.Array([[1.0], [2.0], []])})
    assert open_ntuple(path, schema=schema).sum_of_weights == 6.0
    for fields in ({}, None):
        (events,) = iterate_events(path, schema=schema, fields=fields)
        assert events.weight.tolist() == [2.0] * 3


@pytest.mark.parametrize(
    ("energies", "expected"),
    [
        ([[[0.0] * 5], [[0.0] * 5, [0.0] * 5]], False),
        ([[[0.0] * 5], [[3.0] * 5]], True),
        ([[], []], None),
    ],
    ids=["never", "later", "no jets"],
)
def test_the_whole_file_tells_whether_trimmed_jets_were_filled(monkeypatch, energies, expected):
    """And not each chunk by itself, which would make two kinds of jets."""
    chunks = []
    for start, values in enumerate(energies):
        jets = (
            ak.from_regular(ak.Array([values]), axis=None)
            if values
            else ak.Array([[[0.0] * 5]])[:, :0]
        )
        chunks.append((start, {"FatJet.TrimmedP4[5]": ak.zip({"fE": jets})}))
    monkeypatch.setattr(plans, "read_chunks", lambda *arguments: iter(chunks))
    assert plans._is_filled(None, "FatJet.TrimmedP4[5]", "a.root") is expected
