"""The registries of this package: what an entry says is what the code does, a package of someone
else can add one, and the configuration needs nothing heavy for the names."""

import inspect
import os
import subprocess
import sys

import awkward as ak
import numpy as np
import pytest
import torch
from fakes_ntuples import write_file

from calovision.conversion import ImageRecipe
from calovision.conversion.variations import Variation
from calovision.conversion.varied_towers import apply_variation
from calovision.core.errors import InputError
from calovision.evaluation.baselines import BASELINES, fit_shallow
from calovision.images import CHANNELS, build_images
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.images.jet_images import JetImageRecipe, build_jet_images
from calovision.jets import VARIABLES, event_variables, jet_substructure
from calovision.jets.substructure.variables import CONSTITUENTS
from calovision.models import NETWORKS, ModelSpecification, make_model
from calovision.models.networks import make_network
from calovision.ntuples import Ntuple
from calovision.selection import check_configured_cut, evaluate_cut


def plain(value):
    """Options as they are compared: tuples and lists are the same."""
    return list(value) if isinstance(value, tuple) else value


# Networks


@pytest.mark.parametrize("name", NETWORKS)
def test_options_of_networks_are_those_of_their_constructors(name):
    parameters = inspect.signature(NETWORKS[name].constructor).parameters
    taken = {key: plain(one.default) for key, one in list(parameters.items())[2:]}
    for of_model in ("variables", "channels"):  # as the images
        taken.pop(of_model, None)
    assert {key: plain(one) for key, one in NETWORKS[name].options.items()} == taken


@pytest.mark.parametrize("name", [name for name, one in NETWORKS.items() if not one.points])
def test_smallest_images_of_networks_are_those_that_they_take(name):
    smallest = NETWORKS[name].smallest_image
    make_network(ModelSpecification(name, (1, smallest, smallest)))
    for cells in ((smallest - 1, smallest), (smallest, smallest - 1)):
        with pytest.raises(
            InputError, match=f"needs images of at least {smallest}x{smallest} cells"
        ):
            make_network(ModelSpecification(name, (1, *cells)))


@pytest.mark.parametrize(
    ("name", "options", "smallest"),
    [("nersc", {"n_blocks": 2}, 4), ("resnet", {"widths": [8, 8], "n_blocks": [1, 1]}, 8)],
)
def test_options_that_set_the_smallest_image_do(name, options, smallest):
    assert set(NETWORKS[name].sets_smallest_image) <= set(options)
    make_network(ModelSpecification(name, (1, smallest, smallest), options=options))


def test_points_of_networks_are_variables_and_options():
    for entry in NETWORKS.values():
        of_events, of_jets = (entry.n_points({}, of_jets=kind) for kind in (False, True))
        assert of_events | of_jets == {
            name: entry.options[option] for name, option in entry.points.items()
        }
        assert all(VARIABLES[name].asks_for == name for name in of_events)
        assert all(CONSTITUENTS.name == CONSTITUENTS.asks_for == name for name in of_jets)
    assert NETWORKS["deep_sets"].n_points({"tracks": 7}) == {
        "leading_towers": 100,
        "leading_tracks": 7,
    }


# Variables


def test_numbers_of_variables():
    content = {"leading_towers": 30}
    found = {name: one.n_numbers(content) for name, one in VARIABLES.items() if one.shape}
    expected = {"fat_jets": 20, "jet_pt": 10, "leading_towers": 120, "leading_tracks": 0}
    assert found == expected
    assert {one.n_numbers(None) for one in VARIABLES.values() if not one.shape} == {1}


def test_only_what_is_one_number_is_cut_on():
    not_cut_on = {name for name, one in VARIABLES.items() if not one.is_cut_on}
    assert not_cut_on == {"fat_jets", "leading_towers", "leading_tracks"}


@pytest.mark.parametrize("registry", [CHANNELS, VARIABLES], ids=lambda one: one.kind)
def test_titles_and_words_of_what_is_drawn(registry):
    for name, entry in registry.items():
        assert entry.doc, name
        assert entry.title, name
        assert entry.axis_title == (f"{entry.title} [GeV]" if entry.unit else entry.title)


# Entries of other packages


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a package ``others`` with entry points, as pip would leave it."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(code, **points):
        info = tmp_path / "others-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
        lines = [f"[calovision.{group}]\n{point}\n" for group, point in points.items()]
        (info / "entry_points.txt").write_text("".join(lines))
        module = f"others_{next(iter(points))}"
        monkeypatch.delitem(sys.modules, module, raising=False)  # that of another test
        (tmp_path / f"{module}.py").write_text(code)

    return write


def test_channel_of_another_package(install, monkeypatch):
    # numpy in place of the kernels, which would be compiled for two channels
    monkeypatch.setattr("calovision.images.builder._kernels", lambda: None)
    install(
        """
from calovision.images.channels import CellSum, Channel

ENTRY = Channel(
    "charged", "charged candidates", "", "number of charged candidates",
    of_event=CellSum("candidates", charge="charged"), of_jet=CellSum("constituents", "charge"),
)
""",
        channels="charged = others_channels:ENTRY",
    )
    assert list(CHANNELS)[-1] == "charged"
    fields = {"pt": [[5.0, 7.0, 9.0]], "eta": [[0.5, 0.5, 5.0]], "phi": [[0.1, 0.2, 0.1]]}
    candidates = ak.zip(fields | {"charge": [[1, 0, -1]]})
    images, overflow = build_images(
        None, None, EtaPhiGrid(4, 4, (-1, 1)), ["charged", "neutral_pt"], candidates=candidates
    )
    assert images.sum(axis=(2, 3)).tolist() == [[1.0, 7.0]]
    assert images[0, :, 3, 2].tolist() == [1.0, 7.0]  # eta 0.5 is the edge below the last row
    assert overflow.tolist() == [[1.0, 0.0]]
    recipe = JetImageRecipe(JetGrid(3, 3, 20.0), ("charged", "towers"), center=None)
    jets, _ = build_jet_images(candidates, recipe)
    assert jets.dense().sum(axis=(2, 3)).tolist() == [[0.0, 3.0]]


def test_channel_without_jet_images_is_none_of_theirs(install):
    install(
        """
from calovision.images.channels import CellSum, Channel

ENTRY = Channel("muons", "muons", "", "number of muons", CellSum("tracks"), None)
""",
        channels="muons = others_channels:ENTRY",
    )
    with pytest.raises(InputError, match="unknown jet image channel 'muons': choose from energy"):
        JetImageRecipe(JetGrid(3, 3, 2.0), ("muons",))


def test_jet_variable_of_another_package(install):
    install(
        """
from calovision.jets.substructure.variables import JetVariable

ENTRY = JetVariable("mean_pt", "mean pT", "sum of pT per constituent", lambda j: j.scalar_sum / j.n)
""",
        jet_variables="mean_pt = others_jet_variables:ENTRY",
    )
    jets = ak.zip({"pt": [[5.0, 7.0], [3.0]], "eta": [[0, 0], [0]], "phi": [[0, 1], [2]]})
    found = jet_substructure(jets, ["mean_pt"], radius=1.0)
    assert found["mean_pt"].tolist() == [6.0, 3.0]
    assert ImageRecipe.from_dict({"jet_variables": ["mean_pt"]}).jet_variables == ("mean_pt",)


def test_network_of_another_package(install):
    install(
        """
from calovision.models.networks import NetworkEntry

ENTRY = NetworkEntry(
    "linear", "a sum of the cells", "nobody's", "others_networks:make", options={"factor": 1.0}
)


def make(image_shape, circular=True, *, factor=1.0):
    import torch

    class Sum(torch.nn.Module):
        def forward(self, images):
            return factor * images.sum(dim=(1, 2, 3))

    return Sum()
""",
        networks="linear = others_networks:ENTRY",
    )
    specification = ModelSpecification("linear", (2, 4, 4), scaling="none", options={"factor": 0.5})
    model = make_model(specification)
    images = torch.arange(64, dtype=torch.float32).reshape(2, 2, 4, 4)
    assert model(images).tolist() == [0.5 * sum(range(32)), 0.5 * sum(range(32, 64))]
    with pytest.raises(InputError, match="network 'linear' has no option width: it has factor"):
        make_model(ModelSpecification("linear", (2, 4, 4), options={"width": 3}))


def test_baseline_of_another_package(install):
    install(
        """
from calovision.evaluation.baselines.shallow import Baseline


def make(seed, C):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=C, random_state=seed)


ENTRY = Baseline("only_ht", "HT alone", "a line in HT", ("ht",), make, {"C": (1.0,)})
""",
        baselines="only_ht = others_baselines:ENTRY",
    )
    rng = np.random.default_rng(1)
    labels = np.arange(400) % 2
    events = {"ht": rng.normal(1000.0 + 400.0 * labels, 200.0), "label": labels}
    fitted = fit_shallow("only_ht", events, np.ones(400), events, np.ones(400), seed=1)
    # the logit of two Gaussians of the same width is a line in ht with the slope 400 / 200^2
    scores = fitted.score({"ht": np.array([1200.0, 1300.0])})
    assert scores[1] - scores[0] == pytest.approx(1.0, rel=0.2)
    assert not BASELINES["only_ht"].needs_content


def test_schema_of_another_package(install, tmp_path):
    """It is found by itself, and its fields are read."""
    install(
        """
from calovision.ntuples.schemas.schema import Collection, Schema, TreeSchema

TOWERS = Collection({"eta": "cell_eta", "phi": "cell_phi", "e": "cell_mev / 1000"})
ENTRY = Schema("beam", "test beam", (TreeSchema("cells", towers=(TOWERS,)),), fat_jet_radius=0.4)
""",
        schemas="beam = others_schemas:ENTRY",
    )
    cells = {name: ak.Array([[0.5, 1.5], [2.5]]) for name in ("cell_eta", "cell_phi")}
    path = write_file(
        tmp_path / "a.root", cells=cells | {"cell_mev": ak.Array([[2e3, 3e3], [500]])}
    )
    with Ntuple(path) as ntuple:
        assert (ntuple.info.schema, ntuple.info.fat_jet_radius) == ("beam", 0.4)
        (events,) = ntuple.iterate({"towers": {"e"}})
    assert events.towers.e.tolist() == [[2.0, 3.0], [0.5]]
    with pytest.raises(InputError, match=r"choose one of delphes, .*jetclass, .*, beam or give"):
        Ntuple(path, schema="bean")


def test_configuration_accepts_names_of_another_package(install, tmp_path):
    """In a process of its own: the choices are those of the packages that it finds."""
    install(
        """
from calovision.evaluation.baselines.shallow import Baseline
from calovision.images.channels import CellSum, Channel
from calovision.models.networks import NetworkEntry

CHANNEL = Channel("charged", "charged", "", "number of charged", CellSum("candidates"), None)
NETWORK = NetworkEntry("linear", "a sum", "nobody's", "absent:Sum", {"factor": 1.0}, 3)
BASELINE = Baseline("only_ht", "HT alone", "a line in HT", ("ht",), print, {})
""",
        channels="charged = others_channels:CHANNEL",
        networks="linear = others_channels:NETWORK",
        baselines="only_ht = others_channels:BASELINE",
    )
    program = """
from calovision.workflow import Configuration

models = {"cnn": {"network": "linear", "options": {"factor": 2.0}}}
values = {"images": {"channels": ["em", "charged"], "grid": [3, 3]}, "models": models}
found = Configuration.from_mapping(values | {"baselines": ["only_ht"]})
found.check_names()
print(found.images.channels[1], found.models["cnn"].network, found.baselines[0])
"""
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert found.stdout == "charged linear only_ht\n"


def test_variable_of_another_package(install):
    install(
        """
from calovision.jets.variables import Variable

ENTRY = Variable("mass_2", "$m_2$", "mass of the second jet", lambda jets: jets.mass[:, 1], "GeV")
""",
        variables="mass_2 = others_variables:ENTRY",
    )
    jets = ak.zip({name: [[3.0, 2.0], [1.0]] for name in ("pt", "eta", "phi", "mass")})
    variables = event_variables(jets)
    assert variables["mass_2"].tolist() == [2.0, 0.0]
    check_configured_cut("c", "mass_2 > 1", with_content=False)
    assert evaluate_cut("c", "mass_2 > 1", variables).tolist() == [True, False]


def test_variation_of_another_package(install):
    install(
        """
from calovision.conversion.variations import VariationEntry


def apply(towers, variation, event_number, seed):
    return towers[abs(towers.eta) < variation["acceptance"]]


ENTRY = VariationEntry(
    "acceptance", "largest |eta|", "towers", nominal=10.0, bounds={"gt": 0}, apply=apply
)
""",
        variations="acceptance = others_variations:ENTRY",
    )
    towers = ak.zip({"eta": [[0.5, 3.0], [-4.0]], "phi": [[0.1, 0.2], [0.3]], "e": [[1.0, 2], [3]]})
    varied = apply_variation(
        towers, Variation.from_mapping({"acceptance": 2.5, "scale": 2}), event_number=[1, 2]
    )
    assert varied.e.tolist() == [[2.0], []]
