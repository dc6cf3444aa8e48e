"""Recipe of images: as plain values, in image files, and as training leaves it in a model."""

import json
from dataclasses import replace

import pytest
from fakes import make_events, make_metadata, write_image_file, write_ntuple
from fakes_models import make_trained

from calovision.conversion import ImageRecipe, Source, convert_ntuple, convert_ntuples
from calovision.conversion.stored import LONGEST_SCHEMA, StoredRecipe
from calovision.conversion.variations import Variation
from calovision.core.digests import SEAL
from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid
from calovision.images.jet_images import JET_RECIPES
from calovision.jets import EventContent, FatJetDefinition
from calovision.models import load_model, save_model
from calovision.storage import ImageCollection, ImageFile, merge_image_files
from calovision.storage.recipes import common_recipe

RECIPES = (
    ImageRecipe(),
    ImageRecipe(
        grid=EtaPhiGrid.with_eta_edges((-2.5, -0.1, 0.3, 2.5), 7),
        channels=("em_e", "tracks"),
        fat_jets=FatJetDefinition(radius=0.8, pt_min=1 / 3, groomed=True),
        cluster_jets=False,
        preselection={"z": "n_fat_jets >= 2", "a": "mj_sum > 100"},
        split_seed=7,
        split_fractions=(0.1, 0.2, 0.7),
        split_group="ttbar",
        content=EventContent(leading_towers=3),
        variation=Variation(em_resolution=((2.5, 0.1, 0.01, 0.1),), scale=1.03, smear=0.1),
    ),
    ImageRecipe(jets=JET_RECIPES["w"], jets_per_event=2),
)


@pytest.mark.parametrize("recipe", RECIPES, ids=["default", "all", "jets"])
def test_round_trip_through_json(recipe):
    again = ImageRecipe.from_dict(json.loads(json.dumps(recipe.to_dict())))
    assert again == recipe
    assert again.to_dict() == recipe.to_dict()
    assert list(again.preselection) == list(recipe.preselection)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"whatever": 1}, "unknown key 'whatever'; a newer calovision"),
        ({"grid": {"n_eta": 0}}, "grid: grid 0x64: both numbers"),
        ({"grid": {"rows": 3}}, "grid is {'rows': 3}, which is none"),
        ({"fat_jets": 3}, "fat_jets is 3, which is none"),
        ({"jets": {"grid": None}}, "jets: jet recipe: grid must have the keys"),
    ],
)
def test_what_is_no_recipe_is_named(changes, sentence):
    with pytest.raises(InputError, match=r"^image recipe: ") as caught:
        ImageRecipe.from_dict(ImageRecipe().to_dict() | changes)
    assert sentence in str(caught.value)


SCHEMA = """extends: calovision
fat_jet_radius: 0.7
"""


@pytest.fixture(scope="module")
def ntuples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ntuples")
    return [write_ntuple(folder / f"{name}.root", *make_events(5)) for name in "ab"]


def test_image_files_hold_the_recipe_and_the_content_of_the_schema(tmp_path, ntuples):
    schema = tmp_path / "mine.yaml"
    schema.write_text(SCHEMA)
    images = tmp_path / "a.h5"
    convert_ntuple(Source(ntuples[0], schema=schema), images, RECIPES[0], sample="qcd", label=0)
    schema.unlink()
    stored = StoredRecipe.from_dict(ImageFile(images).metadata.recipe)
    assert stored.images == RECIPES[0]
    assert stored.schema == {"file": str(schema), "text": SCHEMA}
    assert stored.find_schema().fat_jet_radius == 0.7
    assert stored.tree is None


def test_files_of_a_sample_are_merged_with_their_recipe(tmp_path, ntuples):
    images = tmp_path / "images.h5"
    source = Source(ntuples, schema="calovision", tree="events")
    convert_ntuples(source, images, RECIPES[0], sample="qcd", label=0)
    recipe = ImageFile(images).metadata.recipe
    assert StoredRecipe.from_dict(recipe) == StoredRecipe(RECIPES[0], "calovision", "events")


@pytest.mark.parametrize("comment", ["#" * LONGEST_SCHEMA, "#" + "\u00b5" * (LONGEST_SCHEMA // 6)])
def test_a_long_schema_is_named_only(tmp_path, comment):
    schema = tmp_path / "long.yaml"
    schema.write_text(SCHEMA + comment, encoding="utf-8")
    stored = StoredRecipe.of(RECIPES[0], schema, None)
    assert stored.schema == {"file": str(schema)}
    with pytest.raises(InputError, match="too long to be stored with the images: give the schema"):
        StoredRecipe.from_dict(stored.to_dict()).find_schema()


def common(*recipes):
    return common_recipe([make_metadata(recipe=one and one.to_dict()) for one in recipes])


def test_what_is_common_is_kept():
    first = StoredRecipe(RECIPES[0], "delphes", "events")
    others = replace(RECIPES[0], split_group="ttbar")
    found = common(first, first, StoredRecipe(others, "delphes", "events"))
    # the split decides no image
    assert found["differing"] == ["split_group"]
    assert StoredRecipe.from_dict(found) == first
    assert common(first, None) is None
    swapped = replace(RECIPES[1], preselection=dict(reversed(RECIPES[1].preselection.items())))
    found = common(StoredRecipe(RECIPES[1]), StoredRecipe(swapped))
    assert found["differing"] == ["preselection"]
    with pytest.raises(InputError, match="differ in preselection, so that there is no one recipe"):
        StoredRecipe.from_dict(found)


def test_one_of_several_schemas_in_yaml_is_not_guessed():
    """What fits a file whose own schema is a YAML file might read other branches."""
    mine = StoredRecipe(RECIPES[0], {"file": "a/mine.yaml", "text": SCHEMA})
    same = StoredRecipe(RECIPES[0], {"file": "b/mine.yaml", "text": SCHEMA})
    other = StoredRecipe(RECIPES[0], {"file": "other.yaml", "text": SCHEMA + "# other"})
    assert StoredRecipe.from_dict(common(mine, same)) == mine
    assert common(StoredRecipe(RECIPES[0], "delphes"), StoredRecipe(RECIPES[0]))["schema"] is None
    for one in (other, StoredRecipe(RECIPES[0], "delphes"), StoredRecipe(RECIPES[0])):
        found = StoredRecipe.from_dict(common(mine, one))
        with pytest.raises(InputError, match=r"several schemas \(a/mine.yaml, .*give that"):
            found.find_schema()


def test_one_of_several_trees_is_not_guessed():
    """In place of the tree of the schema, whose events may be others."""
    of_trees = [StoredRecipe(RECIPES[0], "delphes", tree) for tree in ("nominal", None, "up")]
    found = StoredRecipe.from_dict(common(*of_trees))
    assert found.tree == {"several": "nominal, that of the schema, up"}
    assert StoredRecipe.from_dict(found.to_dict()) == found
    with pytest.raises(InputError, match=r"several trees \(nominal, that of the schema, up\)"):
        found.find_tree()
    assert of_trees[0].find_tree() == "nominal"
    assert of_trees[1].find_tree() is None


def test_what_differed_in_a_merged_file_stays_said(tmp_path):
    """A file that was merged of others and one that was not."""
    cut = replace(RECIPES[0], preselection={"a": "ht > 3"})
    paths = [
        write_image_file(tmp_path / f"{number}.h5", recipe=StoredRecipe(recipe).to_dict())
        for number, recipe in enumerate((RECIPES[0], cut))
    ]
    merge_image_files(paths, tmp_path / "merged.h5")
    merged = ImageFile(tmp_path / "merged.h5").metadata.recipe
    assert merged["differing"] == ["preselection"]
    assert ImageCollection([tmp_path / "merged.h5"]).recipe == merged


def test_models_bring_their_recipe_along(tmp_path):
    model = make_trained()
    save_model(tmp_path / "old", model)
    assert load_model(tmp_path / "old").recipe is None
    recipe = StoredRecipe(RECIPES[1], "delphes").to_dict()
    save_model(tmp_path / "a", model, recipe=recipe)
    model = load_model(tmp_path / "a")
    assert StoredRecipe.from_dict(model.recipe) == StoredRecipe(RECIPES[1], "delphes")
    save_model(tmp_path / "b", model)
    assert load_model(tmp_path / "b").recipe == recipe


def test_a_model_of_before_has_no_recipe(tmp_path):
    save_model(tmp_path, make_trained())
    path = tmp_path / "model.json"
    description = json.loads(path.read_text())
    del description["recipe"], description[SEAL]
    description["version"] = 2  # the last one without a seal
    path.write_text(json.dumps(description))
    assert load_model(tmp_path).recipe is None
    path.write_text(json.dumps(description | {"recipe": 3}))
    with pytest.raises(InputError, match="damaged, its 'recipe' is none"):
        load_model(tmp_path)
