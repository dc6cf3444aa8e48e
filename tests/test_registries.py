"""The registries of this package: what an entry says is what the code does, a package of someone
else can add one, and the configuration needs nothing heavy for the names."""

import inspect

import pytest

from calovision.core.errors import InputError
from calovision.images import CHANNELS
from calovision.jets import VARIABLES
from calovision.models import NETWORKS, ModelSpecification
from calovision.models.networks import make_network


def plain(value):
    """Options as they are compared: tuples and lists are the same."""
    return list(value) if isinstance(value, tuple) else value


# Networks


@pytest.mark.parametrize("name", NETWORKS)
def test_options_of_networks_are_those_of_their_constructors(name):
    parameters = inspect.signature(NETWORKS[name].constructor).parameters
    taken = {key: plain(one.default) for key, one in list(parameters.items())[2:]}
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
        assert entry.n_points({}) == {
            name: entry.options[option] for name, option in entry.points.items()
        }
        assert all(VARIABLES[name].asks_for == name for name in entry.points)
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
