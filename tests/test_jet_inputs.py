"""Constituents and variables of jets as inputs of networks: what a configuration says of them, and
a training on them through image files."""

import numpy as np
import pytest
from fakes_ntuples import jetclass_columns, write_file

from calovision.conversion import ImageRecipe, Sample, convert_ntuple
from calovision.core.errors import InputError
from calovision.datasets import load_variables
from calovision.images.grid import JetGrid
from calovision.images.jet_images import JetImageRecipe
from calovision.jets import FatJetDefinition
from calovision.models import load_model
from calovision.scoring import score_collection
from calovision.stages.images import image_recipe
from calovision.storage import ImageCollection
from calovision.training import TrainingOptions, train_network
from calovision.workflow import Configuration, parameters
from calovision.workflow.analysis import Analysis


def configuration(jets, **models):
    return Configuration.of_layers(
        [{"images": {"kind": "jet", "jets": jets}, "baselines": [], "models": models}]
    )


SETS = {"network": "deep_sets", "variables": ["constituents"], "options": {"constituents": 9}}


def test_configuration_of_constituents():
    found = configuration(
        {"constituents": 9, "variables": ["ptd"], "selection": {"two": "tau21 < 0.6"}},
        sets=SETS,
        both=SETS | {"network": "image_and_points"},
        jet_cnn={"network": "jet_cnn", "variables": ["mass", "ptd", "tau21"]},
    )
    found.check_names()
    analysis = Analysis(found)
    recipe = image_recipe(parameters.image_recipe(analysis), {"fractions": [0.5, 0.25, 0.25]})
    assert recipe.jet_constituents == 9
    assert found.numbers_kept["constituents"] == 9
    assert found.jet_inputs["constituents"].n_numbers(found.numbers_kept) == 54


@pytest.mark.parametrize(
    ("jets", "model", "sentence"),
    [
        ({}, SETS, "'constituents' needs images.jets.constituents, which is 0; set how many"),
        (
            {"constituents": 8},
            SETS,
            "'deep_sets' takes 9 constituents (its options constituents): give it the variables "
            "constituents alone, and as many of them in images.jets",
        ),
        (
            {"constituents": 8},
            {"network": "jet_cnn", "variables": ["tau2"]},
            "there is no variable 'tau2'",
        ),
        (
            {"constituents": 8},
            {"network": "deep_sets", "variables": ["leading_towers"]},
            "'leading_towers' needs event_content",
        ),
    ],
)
def test_what_is_wrong_about_the_inputs_is_one_sentence(jets, model, sentence):
    with pytest.raises(InputError) as caught:
        configuration(jets, a=model).check_names()
    assert "key 'models.a.variables'" in str(caught.value)
    assert sentence in str(caught.value)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Two classes of jets, in files of their own."""
    folder = tmp_path_factory.mktemp("images")
    recipe = ImageRecipe(
        jets=JetImageRecipe(JetGrid(8, 8, 1.6)),
        fat_jets=FatJetDefinition(radius=0.8, pt_min=100),
        jet_constituents=6,
        split_fractions=(0.5, 0.3, 0.2),
    )
    paths = []
    for label, name in enumerate(("qcd", "top")):
        ntuple = write_file(folder / f"{name}.root", tree=jetclass_columns(60, seed=label + 1))
        sample = Sample(name, label, cross_section_required=False)
        paths.append(folder / f"{name}.h5")
        convert_ntuple(ntuple, paths[-1], recipe, sample=sample)
    return ImageCollection(paths)


def test_columns_of_constituents_as_variables(images):
    values = load_variables(images, [3, 0], ["constituents"])
    column = images.column("constituents")
    assert column.shape[1:] == (6, 6)
    np.testing.assert_array_equal(values, column[[3, 0]].reshape(2, 36))


@pytest.mark.parametrize("network", ["particle_transformer", "image_and_points"])
def test_training_on_constituents(images, tmp_path, network):
    small = {"width": 8, "layers": 1, "heads": 2, "pair_width": 4}
    if network == "image_and_points":
        small = {"image": "small", "point_options": small, "width": 8}
    options = TrainingOptions(
        network=network,
        options={"constituents": 6, **small},
        variables=("constituents",),
        weights="none",
        epochs=1,
        batch_size=32,
        device="cpu",
    )
    train_network(images, tmp_path, options, luminosity_fb=1.0, progress_bar=False)
    model = load_model(tmp_path)
    assert model.takes_points
    assert model.specification.n_variables == 36
    scores = score_collection(model, images, np.arange(10))
    assert np.all(np.isfinite(scores))
    assert len(np.unique(scores)) == 10
