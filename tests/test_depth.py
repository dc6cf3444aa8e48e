"""Layers of the calorimeter: from schemas in YAML to channels by layer in image files."""

import json

import awkward as ak
import h5py
import numpy as np
import pytest
import yaml
from fakes import make_events, write_image_file
from fakes_checksums import edited
from fakes_ntuples import write_file

from calovision import EtaPhiGrid, build_images
from calovision.conversion import ImageRecipe, Sample, Source, convert_ntuple
from calovision.conversion.layer_check import LayerCheck
from calovision.core.depth import expanded
from calovision.core.errors import InputError
from calovision.images import CHANNELS, build_sparse_images
from calovision.images.awkward_images import build_awkward_images
from calovision.images.grid import JetGrid
from calovision.images.jet_images import JetImageRecipe, build_dense_jet_images
from calovision.jets import FatJetDefinition
from calovision.ntuples import iterate_events
from calovision.storage import ImageFile, merge_image_files
from calovision.workflow.configuration import Configuration

GRID = EtaPhiGrid(6, 6, (-1.5, 1.5))
N_LAYERS = 4
EDGES = [10.0, 12.5, 17.0, 30.0, 55.0]


def layered_towers(n_events, *, seed=1):
    """Towers with a layer, some of them in none (-1)."""
    towers, _ = make_events(n_events, seed=seed)
    counts = ak.num(towers)
    layers = np.random.default_rng(seed).integers(-1, N_LAYERS, int(ak.sum(counts)))
    return ak.with_field(towers, ak.unflatten(layers.astype(np.int8), counts), "layer")


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("quantity", ["energy", "em_et", "towers"])
def test_channels_by_layer_are_the_images_of_the_towers_of_each_layer(quantity, compiled):
    towers = layered_towers(7)
    channels = [quantity, {"layers": [2, 0, 3], "quantity": quantity}, "tracks"]
    tracks = towers[["eta", "phi"]]
    images, overflow = build_images(towers, tracks, GRID, channels, compiled=compiled)
    for channel, layer in enumerate((2, 0, 3), start=1):
        alone, outside = build_images(towers[towers.layer == layer], None, GRID, [quantity])
        np.testing.assert_allclose(images[:, channel], alone[:, 0], rtol=1e-6)
        np.testing.assert_allclose(overflow[:, channel], outside[:, 0], rtol=1e-12)
    whole, _ = build_images(towers, tracks, GRID, [quantity, "tracks"])
    np.testing.assert_allclose(images[:, [0, 4]], whole, rtol=1e-6)


def test_dense_sparse_and_awkward_images_by_layer_are_the_same():
    towers = layered_towers(9, seed=3)
    names = ["et_layer0-3", "towers"]
    images, overflow = build_images(towers, None, GRID, names)
    sparse, outside = build_sparse_images(towers, None, GRID, names, threads=2)
    records = build_awkward_images(towers, None, GRID, names)
    np.testing.assert_array_equal(sparse.dense(), images)
    np.testing.assert_array_equal(outside, overflow)
    np.testing.assert_array_equal(records.image, images)


def test_jet_images_by_layer_add_up_to_the_jet():
    rng = np.random.default_rng(5)
    jets = ak.unflatten(
        ak.zip(
            {
                "pt": rng.exponential(5, 60),
                "eta": rng.normal(0, 0.3, 60),
                "phi": rng.normal(3.1, 0.3, 60),
                "e": rng.exponential(9, 60),
                "layer": rng.integers(0, N_LAYERS, 60),
            }
        ),
        [20, 0, 40],
    )
    shape = {"grid": JetGrid(5, 5, 1.0), "center": "centroid", "rotate": "principal_axis"}
    layers = {"layers": list(range(N_LAYERS)), "quantity": "energy"}
    recipe = JetImageRecipe(channels=(layers, "energy"), **shape)
    assert recipe.channels == (*(f"energy_layer{one}" for one in range(N_LAYERS)), "energy")
    images, overflow = build_dense_jet_images(jets, recipe)
    np.testing.assert_allclose(images[:, :-1].sum(axis=1), images[:, -1], rtol=1e-5)
    np.testing.assert_allclose(overflow[:, :-1].sum(axis=1), overflow[:, -1], rtol=1e-12)
    total = images.sum(axis=(2, 3)) + overflow
    of_layer = [ak.sum(jets.e[jets.layer == one], axis=1) for one in range(N_LAYERS)]
    np.testing.assert_allclose(total[:, :-1].T, ak.to_numpy(of_layer), rtol=1e-6)
    assert JetImageRecipe.from_dict(recipe.to_dict()) == recipe


def test_a_channel_by_layer_is_an_entry_with_title_and_unit():
    channel = CHANNELS["had_et_layer12"]
    assert (channel.name, channel.unit) == ("had_et_layer12", "GeV")
    assert channel.axis_title == r"hadronic $E_\mathrm{T}$, layer 12 [GeV]"
    assert channel.of_event.fields == ("eta", "phi", "e_had", "layer")
    assert "had_et_layer12" not in list(CHANNELS)
    assert CHANNELS["tracks_layer1"].of_event is None
    assert CHANNELS["tracks_layer1"].of_jet.layer == 1
    for name in ("energy_layer01", "energy_layer", "muons_layer1", "energy_layer1-2"):
        assert name not in CHANNELS


def test_lists_of_channels_may_name_several_layers():
    assert expanded(["tracks", "em_layer0-2"]) == ("tracks", "em_layer0", "em_layer1", "em_layer2")
    assert expanded([{"layers": [5]}]) == ("energy_layer5",)
    assert expanded("energy") == "energy"


@pytest.mark.parametrize(
    ("channels", "sentence"),
    [
        (["energy_layer3-1"], "the layers must ascend, at most 1000, as in energy_layer0-11"),
        ([{"layer": [1]}], "a mapping has the keys layers and quantity"),
        ([{"layers": 3}], r"layers must be a list of whole numbers from 0, as \[0, 1, 2\]"),
        ([{"layers": [-1]}], "layers must be a list of whole numbers from 0"),
        ([{"layers": [0], "quantity": 1}], "quantity is 1; give the name of a channel"),
        ([{"layers": [0, 0]}], "name at least one, and each only once"),
        (["tracks_layer1"], "'tracks_layer1': 'tracks' is no sum over towers, which have"),
        (["energi_layer1"], "'energi_layer1': there is no 'energi'; did you mean 'energy'?"),
        (["energy_layer0"], "towers lack the field 'layer': they have"),
    ],
)
def test_a_channel_that_cannot_be_is_told(channels, sentence):
    towers, _ = make_events(2)
    with pytest.raises(InputError, match=sentence):
        build_images(towers, None, GRID, channels)


@pytest.mark.parametrize("wrong", [0.5, np.nan, 1e300])
def test_a_layer_that_is_no_whole_number_is_told(wrong):
    towers = ak.Array([[], [{"eta": 0.0, "phi": 0.0, "e": 1.0, "layer": wrong}]])
    with pytest.raises(InputError, match=r"event 1: towers.layer is .*the whole number of a layer"):
        build_images(towers, None, GRID, ["energy_layer0"])


@pytest.fixture(scope="module")
def ntuple(tmp_path_factory):
    """Ntuple of showers with cells in layers, of a schema in YAML: its path and columns."""
    folder = tmp_path_factory.mktemp("layers")
    rng = np.random.default_rng(2)
    counts = rng.integers(0, 40, 12)
    total = int(counts.sum())
    radius = rng.uniform(5, 60, total)
    columns = {
        "eta0": rng.normal(0, 0.5, 12),
        "phi0": rng.uniform(-np.pi, np.pi, 12),
        "energy": rng.uniform(10, 90, 12),
        "cell_deta": ak.unflatten(rng.normal(0, 0.1, total), counts),
        "cell_dphi": ak.unflatten(rng.normal(0, 0.1, total), counts),
        "cell_e": ak.unflatten(rng.exponential(1.0, total), counts),
        "cell_r": ak.unflatten(radius, counts),
        "cell_s": ak.unflatten((np.digitize(radius, EDGES) - 1).astype(np.int32), counts),
    }
    return write_file(folder / "a.root", showers=columns), columns


def schema(folder, layer):
    """Schema of the showers, in which ``layer`` gives the layer of a cell."""
    cells = {"eta": "eta0 + cell_deta", "phi": "phi0 + cell_dphi", "e": "cell_e", **layer}
    shower = {"pt": "energy / cosh(eta0)", "eta": "eta0", "phi": "phi0", "mass": 0}
    content = {
        "tree": "showers",
        "towers": cells,
        "jets": {**shower, "one_per_entry": True},
        "constituents": {**cells, "pt": "cell_e / cosh(eta)"},
    }
    path = folder / "schema.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


BY_NUMBER = {"layer": "where(cell_s == 4, -1, cell_s)"}
BY_EDGES = {"layer_edges": {"of": "cell_r", "edges": EDGES}}


@pytest.mark.parametrize("layer", [BY_NUMBER, BY_EDGES], ids=["layer", "layer_edges"])
def test_a_schema_gives_the_layer_by_a_formula_or_by_edges(ntuple, tmp_path, layer):
    path, columns = ntuple
    (events,) = iterate_events(path, schema=schema(tmp_path, layer))
    expected = np.where(ak.flatten(columns["cell_s"]) == 4, -1, ak.flatten(columns["cell_s"]))
    assert set(expected) == {-1, 0, 1, 2, 3}
    np.testing.assert_array_equal(ak.flatten(events.towers.layer), expected)
    np.testing.assert_array_equal(ak.flatten(events.constituents.layer, axis=None), expected)


def test_an_edge_belongs_to_the_layer_above_it(tmp_path):
    values = np.array([9.9, 10.0, 12.5, 29.999, 55.0, np.nan])
    lists = {name: ak.unflatten(values, [6]) for name in ("cell_r", "cell_deta", "cell_dphi")}
    numbers = {name: np.zeros(1) for name in ("eta0", "phi0", "energy")}
    path = write_file(tmp_path / "a.root", showers={**numbers, **lists, "cell_e": lists["cell_r"]})
    (events,) = iterate_events(path, schema=schema(tmp_path, BY_EDGES))
    assert events.towers.layer[0].tolist() == [-1, 0, 1, 2, -1, -1]


SIZES = {"eta_size": {"by_layer": [0.1, "cell_r / 100", 0, 0.5]}, "phi_size": 0.2}


def test_a_schema_gives_the_size_by_a_number_a_formula_or_by_layer(ntuple, tmp_path):
    path, columns = ntuple
    (events,) = iterate_events(path, schema=schema(tmp_path, BY_EDGES | SIZES))
    radius, layer = (ak.to_numpy(ak.flatten(columns[name])) for name in ("cell_r", "cell_s"))
    expected = np.select([layer == 0, layer == 1, layer == 3], [0.1, radius / 100, 0.5], 0.0)
    np.testing.assert_allclose(ak.flatten(events.towers.eta_size), expected)
    assert set(ak.flatten(events.constituents.phi_size, axis=None)) == {0.2}


@pytest.mark.parametrize("kind", ["event", "jet"])
def test_image_files_divide_cells_that_have_a_size(ntuple, tmp_path, kind):
    path, _ = ntuple
    channels, points = ("energy_layer0-2", "energy", "towers"), ["eta", "phi", "pt", "e", "layer"]
    jets = JetImageRecipe(JetGrid(8, 8, 1.0), channels) if kind == "jet" else None
    cuts = FatJetDefinition(pt_min=0.0, eta_max=99.0)
    recipe = ImageRecipe(GRID, channels, cuts, jets=jets)
    source = Source(path, schema=schema(tmp_path, BY_EDGES | SIZES))
    sample = Sample("showers", 0, cross_section_required=False)
    convert_ntuple(source, tmp_path / "out.h5", recipe, sample=sample)
    (events,) = iterate_events(path, schema=schema(tmp_path, BY_EDGES | SIZES))
    if jets is None:
        expected, outside = build_images(events.towers, None, GRID, channels)
        without, _ = build_images(events.towers[[*points[:2], *points[3:]]], None, GRID, channels)
    else:
        of_jets, axes = ak.flatten(events.constituents), ak.flatten(events.fat_jets)
        axes = np.stack([axes.eta, axes.phi], axis=1)
        expected, outside = build_dense_jet_images(of_jets, jets, axes=axes)
        without, _ = build_dense_jet_images(of_jets[points], jets, axes=axes)
    file = ImageFile(tmp_path / "out.h5")
    np.testing.assert_allclose(file[:], expected, rtol=1e-6)
    np.testing.assert_allclose(file.events["overflow"], outside, rtol=1e-12)
    assert np.abs(expected[:, :4] - without[:, :4]).max() > 0.1
    np.testing.assert_array_equal(expected[:, 4], without[:, 4])


@pytest.mark.parametrize("kind", ["event", "jet"])
def test_image_files_of_events_and_of_jets_have_channels_by_layer(ntuple, tmp_path, kind):
    path, columns = ntuple
    channels = ("energy_layer0-3", "energy")
    of_jets = None if kind == "event" else JetImageRecipe(JetGrid(8, 8, 2.0), channels)
    cuts = FatJetDefinition(pt_min=0.0, eta_max=99.0)
    recipe = ImageRecipe(GRID, channels, cuts, jets=of_jets)
    output = tmp_path / f"{kind}.h5"
    source = Source(path, schema=schema(tmp_path, BY_EDGES))
    sample = Sample("showers", 0, cross_section_required=False)
    convert_ntuple(source, output, recipe, sample=sample)
    file = ImageFile(output)
    assert file.metadata.channels == (*(f"energy_layer{one}" for one in range(4)), "energy")
    assert file.metadata.units == ("GeV",) * 5
    assert ImageRecipe.from_dict(file.metadata.recipe["images"]) == recipe
    total = file[:].sum(axis=(2, 3)) + file.events["overflow"]
    energy, number = columns["cell_e"], columns["cell_s"]
    expected = [ak.sum(energy[number == one], axis=1) for one in range(4)]
    np.testing.assert_allclose(total[:, :4].T, ak.to_numpy(expected), rtol=1e-5)
    np.testing.assert_allclose(total[:, 4], ak.sum(energy, axis=1), rtol=1e-5)
    name = "towers" if kind == "event" else "constituents"
    share = np.mean(np.isin(ak.to_numpy(ak.flatten(number)), (-1, 4)))
    assert dict(one[:2] for one in file.metadata.warnings)["layers"] == (
        f"{share:.2g} of the {name} are in none (below 0, as outside of layer_edges)"
    )


def test_layers_that_no_channel_names_and_those_that_are_not_there_are_told(ntuple, tmp_path):
    path, columns = ntuple
    check = LayerCheck(("energy_layer1", "energy_layer7", "em_layer8", "tracks"))
    for events in iterate_events(path, schema=schema(tmp_path, BY_EDGES)):
        check.add(events)
    share = np.mean(ak.to_numpy(ak.flatten(columns["cell_s"])) != 1)
    assert check.warnings() == {
        "layers": f"{share:.2g} of the constituents are in the layers 0, 2, 3, which no channel "
        "names or in none (below 0, as outside of layer_edges); the channels of the layers 7, 8 "
        "are empty, as the constituents have the layers 0 to 3"
    }
    assert LayerCheck(("energy",)).warnings() == {}


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        ({"layer_edges": [1, 2]}, "towers.layer_edges is .* it must hold the keys of"),
        ({"layer_edges": {"of": "cell_r", "edges": [2, 1]}}, "edges is .*ascending numbers"),
        ({"layer_edges": {"of": "cell_r", "edges": [1]}}, "a list of two or more ascending"),
        ({**BY_NUMBER, **BY_EDGES}, "is given beside layer, which says the same"),
        ({"eta_size": 0.1}, "towers has eta_size but no phi_size; give both, or neither"),
        ({"eta_size": {"a": 1}, "phi_size": 1}, "one of these for each of the layers 0, 1, 2"),
        ({"layers": "cell_s"}, "unknown key 'layers' .did you mean 'layer'"),
    ],
)
def test_layers_of_a_schema_that_cannot_be_are_told(ntuple, tmp_path, layer, sentence):
    with pytest.raises(InputError, match=sentence):
        list(iterate_events(ntuple[0], schema=schema(tmp_path, layer)))


@pytest.mark.parametrize("kind", ["event", "jet"])
def test_a_file_without_layers_is_told_with_what_there_is(ntuple, tmp_path, kind):
    jets = None if kind == "event" else JetImageRecipe(JetGrid(8, 8, 2.0), ("energy_layer1",))
    recipe = ImageRecipe(GRID, ("energy_layer1",), jets=jets)
    source = Source(ntuple[0], schema=schema(tmp_path, {}))
    with pytest.raises(InputError, match=r"with layer, but those of the file .* tells it"):
        convert_ntuple(source, tmp_path / "no.h5", recipe, sample="a", label=0)


def test_a_configuration_names_layers_in_three_ways():
    images = {"channels": ["energy", "et_layer0-1", {"layers": [7], "quantity": "em"}]}
    found = Configuration.from_mapping({"images": images}).images.channels
    assert found == ("energy", "et_layer0", "et_layer1", "em_layer7")
    jets = {"kind": "jet", "jets": {"channels": ["charged_pt_layer2", {"layers": [0, 1]}]}}
    found = Configuration.from_mapping({"images": jets}).images.jets.channels
    assert found == ("charged_pt_layer2", "energy_layer0", "energy_layer1")


def test_image_files_say_which_channels_are_layers(tmp_path):
    about = {"channels": ("tracks", "em_layer5", "em_layer2"), "units": ("", "GeV", "GeV")}
    path = write_image_file(tmp_path / "a.h5", shape=(3, 8, 8), **about)
    axis = [{"quantity": "em", "layers": [2, 5], "channels": [2, 1]}]
    with h5py.File(path) as file:
        assert json.loads(file.attrs["depth_axis"]) == axis
    assert ImageFile(path).metadata.depth_axis == axis
    merge_image_files([path], tmp_path / "b.h5")
    assert ImageFile(tmp_path / "b.h5").metadata.depth_axis == axis
    with edited(path) as file:
        file.attrs["depth_axis"] = json.dumps([axis[0] | {"channels": [1, 2]}])
    with pytest.raises(InputError, match=r"a.h5: the attribute 'depth_axis' is .*em_layer5, em_l"):
        ImageFile(path)
    with edited(path) as file:
        del file.attrs["depth_axis"]
    assert ImageFile(path).metadata.depth_axis == axis
    plain = write_image_file(tmp_path / "c.h5")
    with h5py.File(plain) as file:
        assert "depth_axis" not in file.attrs
