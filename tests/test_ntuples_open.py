"""One open ntuple: how often a file is opened and its schema looked for, and when it is closed."""

import pickle
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
from fakes import make_events, write_ntuple
from fakes_ntuples import jetclass_columns, write_file, write_nanoaod

from calovision.conversion import (
    ImageRecipe,
    Sample,
    Source,
    convert_job,
    convert_ntuple,
    convert_ntuples,
    several,
)
from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid
from calovision.jets import FatJetDefinition
from calovision.ntuples import Ntuple, iterate_events, ntuple, open_ntuple
from calovision.storage import ImageFile

RECIPE = ImageRecipe(grid=EtaPhiGrid(8, 8), channels=("et",), cluster_jets=False)
SAMPLE = {"sample": "qcd", "label": 0}
N = 12


@pytest.fixture
def calls(monkeypatch):
    """Names of the files that are opened and of those whose schema is looked for."""
    found = {"opened": [], "fitting_schema": []}

    def counted(name):
        original = getattr(ntuple, name)

        def call(*arguments):
            found[name].append(Path(arguments[-1]).name)
            return original(*arguments)

        monkeypatch.setattr(ntuple, name, call)

    for name in found:
        counted(name)
    return found


def make_files(folder, n_files=1):
    return [
        write_ntuple(folder / f"{k}.root", *make_events(N, seed=k), first=100 * k)
        for k in range(n_files)
    ]


def open_files():
    """Names of the ROOT files that this process holds open."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sorted(path.name for path in map(Path.readlink, links) if path.suffix == ".root")


def test_everything_is_asked_of_one_opening(tmp_path, calls):
    (path,) = make_files(tmp_path)
    with Ntuple(path) as file:
        assert open_files() == []  # before it is asked
        assert (file.info.n_entries, file.description.schema) == (N, "calovision")
        numbers = [events.event_number.tolist() for events in file.iterate({}, chunk_size=7)]
        (towers,) = (events.towers for events in file.iterate({"towers": {"e"}}))
        assert open_files() == ["0.root"]
    assert open_files() == []
    assert calls == {"opened": ["0.root"], "fitting_schema": ["0.root"]}
    assert numbers == [list(range(7)), list(range(7, N))]
    (expected,) = iterate_events(path)
    assert ak.to_list(towers.e) == ak.to_list(expected.towers.e)


def test_closed_ntuple_is_opened_again_but_not_detected(tmp_path, calls):
    (path,) = make_files(tmp_path)
    with Ntuple(path) as file:
        info = file.info
    (events,) = file.iterate({"tracks": {"pt"}})
    file.close()
    other = pickle.loads(pickle.dumps(file))
    (same,) = other.iterate({"tracks": {"pt"}})
    other.close()
    assert other.info == info
    assert ak.to_list(same.tracks) == ak.to_list(events.tracks)
    assert calls == {"opened": ["0.root"] * 3, "fitting_schema": ["0.root"]}
    assert open_files() == []


def test_open_ntuple_can_be_sent(tmp_path):
    (path,) = make_files(tmp_path)
    with Ntuple(path) as file:
        assert file.info.n_entries == N
        sent = pickle.dumps(file)
        assert open_files() == ["0.root"]
    assert pickle.loads(sent).info.n_entries == N
    assert open_files() == []


@pytest.mark.parametrize("schema", ["calovision", None])
def test_conversion_opens_a_file_once(tmp_path, calls, schema):
    (path,) = make_files(tmp_path)
    convert_ntuple(Source(path, schema=schema), tmp_path / "a.h5", RECIPE, **SAMPLE)
    convert_job(
        Source(path, schema=schema, entry_range=(3, 9)), tmp_path / "b.h5", RECIPE, **SAMPLE
    )
    assert [len(ImageFile(tmp_path / f"{name}.h5")) for name in "ab"] == [N, 6]
    assert calls == {"opened": ["0.root"] * 2, "fitting_schema": ["0.root"] * 2}
    assert open_files() == []


@pytest.mark.parametrize(("kept", "n_opened"), [(3, 3), (1, 5), (0, 6)])
def test_files_stay_open_from_their_check_to_their_conversion(
    tmp_path, calls, monkeypatch, kept, n_opened
):
    """All but the first ones, since a process has not as many files as a sample."""
    monkeypatch.setattr(several, "KEPT_OPEN", kept)
    paths = make_files(tmp_path, 3)
    convert_ntuples(paths, tmp_path / "a.h5", RECIPE, **SAMPLE)
    numbers = ImageFile(tmp_path / "a.h5").events["event_number"].tolist()
    assert numbers == [100 * k + n for k in range(3) for n in range(N)]
    assert (len(calls["opened"]), len(calls["fitting_schema"])) == (n_opened, 3)
    assert open_files() == []


def test_a_tree_that_is_named_wrongly(tmp_path):
    (path,) = make_files(tmp_path, 1)
    with (
        pytest.raises(InputError, match=r"no TTree 'event' .it has: .*; did you mean 'events'\?"),
        Ntuple(path, tree="event") as file,
    ):
        _ = file.info


def test_a_file_without_tree(tmp_path):
    with uproot.recreate(tmp_path / "a.root") as file:
        file["h"] = np.histogram([1.0, 2.0])
    with (
        pytest.raises(InputError, match=r"a\.root fits no schema, as it has no tree; give a file"),
        Ntuple(tmp_path / "a.root") as file,
    ):
        _ = file.info


@pytest.mark.parametrize("kept", [4, 60, 300, 0.5])
def test_damaged_file_is_closed(tmp_path, kept):
    """uproot leaves it open: before 5.7.7 until the process ends."""
    (path,) = make_files(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole)) if isinstance(kept, float) else kept])
    with pytest.raises(InputError, match="truncated") as found:
        Ntuple(path).__enter__().info  # noqa: B018
    assert found.traceback  # whose frames still hold the ntuple
    assert open_files() == []


def test_files_are_closed_after_an_error(tmp_path):
    paths = make_files(tmp_path, 2)
    write_file(tmp_path / "none.root", other={"x": [1.0]})
    with pytest.raises(InputError, match=r"none\.root fits no schema") as found:
        convert_ntuples([*paths, tmp_path / "none.root"], tmp_path / "a.h5", RECIPE, **SAMPLE)
    assert found.traceback  # whose frames still hold the ntuples
    assert open_files() == []
    with (
        pytest.raises(InputError, match=r"absent\.root: no such file"),
        Ntuple(tmp_path / "absent.root") as file,
    ):
        _ = file.info


# what is given to the conversion


def test_sample_and_source_are_given_in_one_way(tmp_path):
    (path,) = make_files(tmp_path)
    recipe = (tmp_path / "a.h5", RECIPE)
    for options in ({"sample": "qcd"}, {"sample": Sample("qcd", 0), "label": 0}):
        with pytest.raises(TypeError, match="give sample=Sample"):
            convert_ntuple(path, *recipe, **options)
    with pytest.raises(InputError, match="2 files given to convert_ntuple; give one"):
        convert_ntuple([path, path], *recipe, **SAMPLE)
    with pytest.raises(InputError, match="entry_range is a part of one file, but 2 are given"):
        convert_ntuples(Source([path, "b.root"], entry_range=(0, 1)), *recipe, **SAMPLE)
    one = convert_ntuple(path, *recipe, **SAMPLE)
    other = convert_ntuples(Source((str(path),)), *recipe, sample=Sample("qcd", 0))
    assert one == other


def test_radius_of_fat_jets_is_that_of_the_schema(tmp_path, delphes_dir):
    """Delphes does not say it, so that pictures draw its jets as crosses; clustered jets have that
    of the recipe."""
    files = {
        "nanoaod": write_nanoaod(tmp_path / "n.root"),
        "jetclass": write_file(tmp_path / "j.root", tree=jetclass_columns()),
        "delphes": next(delphes_dir.glob("*qcd300*10ev_slim.root")),
        "calovision": make_files(tmp_path)[0],
    }
    found = {name: open_ntuple(path).fat_jet_radius for name, path in files.items()}
    assert found == {"nanoaod": 0.8, "jetclass": 0.8, "delphes": None, "calovision": None}
    recipe = ImageRecipe(RECIPE.grid, ("et",), FatJetDefinition(radius=1.2))
    sample = Sample("qcd", 0, cross_section_pb=1.0)
    written = {
        name: convert_ntuple(path, tmp_path / "a.h5", recipe, sample=sample).fat_jet_radius
        for name, path in files.items()
    }
    assert written == {"nanoaod": 0.8, "jetclass": 0.8, "delphes": None, "calovision": 1.2}
