"""Files of a sample must be made of the same things: checked before work starts, and where image
files are read."""

import awkward as ak
import numpy as np
import pytest
from fakes import make_columns, make_images, make_metadata, to_sparse
from fakes_cli import fail, succeed
from fakes_ntuples import nanoaod_columns, runs_columns, write_file, write_nanoaod
from test_conversion_fields import delphes_columns

from calovision.conversion import (
    ImageRecipe,
    Sample,
    Source,
    WeightOptions,
    convert_job,
    convert_ntuple,
    convert_ntuples,
)
from calovision.conversion.definition import definition_of
from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.images.jet_images import JetImageRecipe
from calovision.jets import FatJetDefinition
from calovision.ntuples import open_ntuple
from calovision.stages.images import list_images
from calovision.storage import ImageCollection, ImageFile, ImageFileWriter, read_file_list
from calovision.storage.compatibility import require_one_definition

SAMPLE = {"sample": Sample("qcd", 0, cross_section_pb=1.0)}
ALL = ImageRecipe(grid=EtaPhiGrid(8, 8), channels=("et",), fat_jets=FatJetDefinition(pt_min=50.0))
NO_JETS = ImageRecipe(grid=EtaPhiGrid(8, 8), channels=("et",), cluster_jets=False)
JETS = ImageRecipe(
    fat_jets=FatJetDefinition(pt_min=10.0, eta_max=9.0), jets=JetImageRecipe(JetGrid(4, 4, 2.0))
)


def without(columns, *names):
    return {name: values for name, values in columns.items() if not name.startswith(names)}


def delphes(**changes):
    return {"Delphes": delphes_columns() | changes}


def weighted(*weights):
    return delphes(**{"Event.Weight": ak.Array([list(weights)] * 20)})


ONES = ak.ones_like(nanoaod_columns()["PFCands_pt"])


def nanoaod(*left_out, runs=True, **changes):
    trees = {"Events": without(nanoaod_columns(), *left_out) if left_out else nanoaod_columns()}
    trees["Events"] |= {"genWeight": np.ones(30, dtype=np.float32)} | changes
    return trees | ({"Runs": runs_columns()} if runs else {})


NO_FAT_JETS = {"Delphes": delphes_columns(fat_jets=False)}
OWN = "those of the file"
# Recipe, trees of the two files, quantity, its values.
PAIRS = {
    "fat jets": (ALL, delphes(), NO_FAT_JETS, "fat jets", OWN, "clustered"),
    "no jets": (NO_JETS, delphes(), NO_FAT_JETS, "fat jets", OWN, "none"),
    "jets of jet images": (JETS, nanoaod(), nanoaod("FatJet"), "fat jets", OWN, "clustered"),
    "constituents": (
        JETS,
        nanoaod(),
        nanoaod("FatJetPF"),
        "constituents of jets",
        OWN,
        "clustered",
    ),
    "tau": (
        JETS,
        nanoaod(),
        nanoaod("FatJet_tau2"),
        "fields of jets",
        "eta, mass, phi, pt, tau1, tau2, tau3",
        None,
    ),
    "weights": (ALL, weighted(1.0, 2.0), weighted(1.0, 2.0, 3.0), "weights of an event", "2", "3"),
    "no weights": (ALL, weighted(1.0), delphes(), "generator weights", None, "all 1"),
    "counters": (
        NO_JETS,
        nanoaod(),
        nanoaod(runs=False),
        "generated events",
        "its counters",
        "its entries",
    ),
    "candidate weight": (
        NO_JETS,
        nanoaod(),
        nanoaod(PFCands_puppiWeight=ONES),
        "towers",
        None,
        None,
    ),
    "layout": (NO_JETS, nanoaod("FatJet"), NO_FAT_JETS, "layout", "nanoaod", "delphes"),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_unlike_files_are_refused_before_work_starts(tmp_path, pair):
    recipe, first, second, quantity, one, other = PAIRS[pair]
    paths = [
        write_file(tmp_path / f"{name}.root", **trees)
        for name, trees in (("first", first), ("second", second))
    ]
    done = []
    with pytest.raises(InputError) as caught:
        convert_ntuples(paths, tmp_path / "out" / "all.h5", recipe, **SAMPLE, progress=done.append)
    message = str(caught.value)
    assert message.startswith(
        f"{paths[0]} and {paths[1]} are of one sample, but differ in {quantity}: {one or ''}"
    )
    assert f"in the first, {other or ''}" in message
    assert (done, (tmp_path / "out").exists()) == ([], False)


@pytest.mark.parametrize("pair", PAIRS)
def test_image_files_of_unlike_files_are_not_read_together(tmp_path, pair):
    """As in a workflow, where each job sees its own files."""
    recipe, *trees, quantity, _, _ = PAIRS[pair]
    images = []
    for number, content in enumerate(trees):
        path = write_file(tmp_path / f"{number}.root", **content)
        images.append(tmp_path / f"{number}.h5")
        convert_job(
            Source([path], first_file=number, n_entries=[None]), images[-1], recipe, **SAMPLE
        )
    with pytest.raises(InputError) as caught:
        ImageCollection(images)
    for number in range(2):
        assert f"{tmp_path / f'{number}.root'} ({images[number]})" in str(caught.value)
    assert f"differ in {quantity}" in str(caught.value)


def test_the_list_of_images_is_not_written_for_unlike_files(tmp_path):
    """The job of the workflow that comes before the first training."""
    recipe, *trees, _, _, _ = PAIRS["fat jets"]
    images = []
    for number, content in enumerate(trees):
        images.append(tmp_path / f"{number}.h5")
        convert_ntuple(
            write_file(tmp_path / f"{number}.root", **content), images[-1], recipe, **SAMPLE
        )
    list_images(images[:1], tmp_path / "one.tsv")
    assert read_file_list(tmp_path / "one.tsv") == images[:1]
    with pytest.raises(InputError, match="differ in fat jets"):
        list_images(images, tmp_path / "two.tsv")
    assert not (tmp_path / "two.tsv").exists()


def test_a_job_of_unlike_files_is_refused(tmp_path):
    recipe, first, second, *_ = PAIRS["fat jets"]
    paths = [write_file(tmp_path / "a.root", **first), write_file(tmp_path / "b.root", **second)]
    with pytest.raises(
        InputError, match=r"a.root and .*b.root are of one sample, but differ in fat jets"
    ):
        convert_job(Source(paths, n_entries=[None, None]), tmp_path / "a.h5", recipe, **SAMPLE)


def test_the_command_line_refuses_unlike_files(tmp_path):
    _, first, second, *_ = PAIRS["fat jets"]
    paths = [write_file(tmp_path / "a.root", **first), write_file(tmp_path / "b.root", **second)]
    arguments = ("images", *paths, "-o", tmp_path / "all.h5", "--grid", "8x8", "--channels", "et")
    assert "differ in fat jets: those of the file in the first, clustered in the second" in fail(
        *arguments, "--select", "n_fat_jets >= 0"
    )
    assert not (tmp_path / "all.h5").exists()


def test_a_weight_must_be_the_same_one_in_all_files(tmp_path):
    """The ninth weight is another one where there are eight variations of the scale instead of
    nine."""
    scale = {n: ak.from_regular(ak.Array(np.ones((30, n), dtype=np.float32))) for n in (8, 9)}
    paths = [
        write_file(tmp_path / f"{n}.root", **nanoaod(LHEScaleWeight=of)) for n, of in scale.items()
    ]
    with pytest.raises(
        InputError, match="differ in weights of an event: 9 in the first, 10 in the second"
    ):
        convert_ntuples(
            paths,
            tmp_path / "all.h5",
            ALL,
            sample=Sample("qcd", 0, 1.0, weights=WeightOptions(index=5, sum_of_weights=60.0)),
        )
    convert_ntuples(paths, tmp_path / "all.h5", ALL, **SAMPLE)


def test_what_the_recipe_does_not_use_may_differ(tmp_path):
    """N-subjettiness is a matter of jet images, and the mass of energy-flow tracks of nobody."""
    paths = [
        write_nanoaod(tmp_path / "a.root"),
        write_file(tmp_path / "b.root", **nanoaod("FatJet_tau")),
    ]
    convert_ntuples(paths, tmp_path / "all.h5", ALL, **SAMPLE)
    assert len(ImageFile(tmp_path / "all.h5")) == 60


def test_files_without_entries_or_jets_fit_to_all(tmp_path):
    empty = {name: values[:0] for name, values in delphes_columns(fat_jets=False).items()}
    paths = [
        write_file(tmp_path / "a.root", **delphes()),
        write_file(tmp_path / "b.root", Delphes=empty),
    ]
    convert_ntuples(paths, tmp_path / "all.h5", ALL, **SAMPLE)
    assert definition_of(open_ntuple(paths[1]), ALL) == {}
    assert len(ImageFile(tmp_path / "all.h5")) == 20


def test_a_bad_file_is_skipped_before_it_is_compared(tmp_path):
    paths = [write_file(tmp_path / "a.root", **delphes()), tmp_path / "b.root"]
    paths[1].write_bytes(b"root, but no more")
    metadata = convert_ntuples(paths, tmp_path / "all.h5", ALL, **SAMPLE, on_bad_file="skip")
    assert [path for path, _ in metadata.skipped_files] == [str(paths[1])]
    assert metadata.definition["fat jets"] == "those of the file"
    assert ImageFile(tmp_path / "all.h5").metadata.definition == metadata.definition


def test_copies_of_a_file_are_refused(tmp_path):
    path = write_file(tmp_path / "a.root", **delphes())
    copy = tmp_path / "copy.root"
    copy.write_bytes(path.read_bytes())
    with pytest.raises(
        InputError, match=r"a.root and .*copy.root are copies of one ROOT file; give it once"
    ):
        convert_ntuples([path, copy], tmp_path / "all.h5", ALL, **SAMPLE)
    for source in (path, copy):
        convert_ntuple(source, source.with_suffix(".h5"), ALL, **SAMPLE)
    with pytest.raises(
        InputError, match=r"a.root and .*copy.root are copies of one ROOT file; give it once"
    ):
        ImageCollection([tmp_path / "a.h5", tmp_path / "copy.h5"])


def write_images(path, extra=(), n=4, **changes):
    with ImageFileWriter(path, (2, 8, 8)) as writer:
        columns = make_columns(n, label=changes.get("label", 0)) | {
            name: np.ones(n) for name in extra
        }
        writer.append(to_sparse(make_images(n)), columns)
        writer.close(make_metadata(source_files=[], **changes))
    return path


def test_columns_that_only_some_files_have(tmp_path):
    """Of files that others wrote, without a definition."""
    paths = [write_images(tmp_path / "a.h5"), write_images(tmp_path / "b.h5", extra=("tau21",))]
    with pytest.raises(
        InputError,
        match=r"a.h5 and .*b.h5 are of one sample, but only one of them has the column tau21",
    ):
        ImageCollection(paths)
    ImageCollection(
        [paths[0], write_images(tmp_path / "c.h5", extra=("tau21",), sample="other", label=1)]
    )


def test_definitions_are_compared_where_both_have_a_quantity():
    require_one_definition(
        [("a", {"x": "1"}), ("b", {}), ("c", {"y": "2"}), ("d", {"x": "1", "y": "2"})]
    )
    with pytest.raises(
        InputError,
        match="c and e are of one sample, but differ in y: 2 in the first, 3 in the second",
    ):
        require_one_definition([("a", {"x": "1"}), ("c", {"y": "2"}), ("e", {"y": "3"})])


def test_inspect_of_images_shows_nothing_new(tmp_path):
    convert_ntuple(write_file(tmp_path / "a.root", **delphes()), tmp_path / "a.h5", ALL, **SAMPLE)
    assert "a.root" in succeed("inspect", tmp_path / "a.h5").replace("\n", "")
