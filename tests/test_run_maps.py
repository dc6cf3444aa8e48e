"""Maps of runs from ROOT files, image files and images, and the file that holds them."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from fakes import make_columns, make_events, make_images, make_metadata, to_sparse, write_ntuple
from fakes_checksums import edited_other
from fakes_maps import LAYOUT, make_maps, sum_by_hand
from fakes_ntuples import container_columns, write_file, write_nanoaod, write_xaod
from fakes_podio import podio_collections, write_podio

import calovision.monitoring
from calovision import build_images
from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid
from calovision.monitoring import accumulation
from calovision.monitoring.accumulation import RunSource, accumulate, accumulate_files
from calovision.monitoring.image_accumulation import accumulate_images
from calovision.monitoring.layout import MapLayout
from calovision.monitoring.map_attributes import MapOrigin
from calovision.monitoring.run_map_file import RunMapFile, write_run_maps
from calovision.monitoring.run_map_merge import merge_run_maps
from calovision.monitoring.run_numbers import number_in_name
from calovision.monitoring.run_sums import RunSums
from calovision.storage import ImageFileWriter

N = 60
ROOT_LAYOUT = MapLayout.of_channels(EtaPhiGrid(8, 8), ("em", "tracks"), {"em": 5.0})


def columns_of(towers, tracks, **more):
    found = {f"tow_{name}": towers[name] for name in ("eta", "phi", "e_em", "e_had")}
    return found | {f"trk_{name}": tracks[name] for name in ("eta", "phi", "pt")} | more


SCHEMA = """tree: t
towers: {eta: tow_eta, phi: tow_phi, e_em: tow_e_em, e_had: tow_e_had}
tracks: {pt: trk_pt, eta: trk_eta, phi: trk_phi}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two files of three runs in no order, of which one is in both, and their events by hand."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "own.yaml").write_text(SCHEMA)
    rng = np.random.default_rng(3)
    towers, tracks = make_events(N, seed=5)
    run = np.where(np.arange(N) < 30, rng.choice([7, 9], N), rng.choice([9, 2], N))
    lumi = rng.integers(0, 2, N)
    trigger = rng.integers(0, 2, N)
    for name, part in (("a", slice(0, 30)), ("b", slice(30, N))):
        more = {"runnr": run[part], "ls": lumi[part], "trig": trigger[part]}
        more = {key: values.astype(np.int32) for key, values in more.items()}
        write_file(folder / f"{name}.root", t=columns_of(towers[part], tracks[part], **more))
    images, _ = build_images(towers, tracks, ROOT_LAYOUT.grid, ROOT_LAYOUT.channels)
    return folder, images, run, lumi, trigger


def source(folder, **changes):
    options = {"schema": folder / "own.yaml", "run": "runnr", "chunk_size": 7} | changes
    return RunSource([folder / "a.root", folder / "b.root"], **options)


def compare(maps, images, run, thresholds):
    runs, n_events, hits, totals = sum_by_hand(images, run, thresholds)
    assert maps.run.tolist() == runs.tolist()
    assert maps.n_events.tolist() == n_events
    assert np.array_equal(maps.occupancy, hits)
    np.testing.assert_allclose(maps.total, totals, rtol=1e-6)


@pytest.mark.parametrize("most_bytes", [1, 3100, 5000, 2**25])  # 1536 a run
def test_images_are_summed_run_by_run(most_bytes, tmp_path):
    images = make_images(50, LAYOUT.shape) - 0.1 * make_images(50, LAYOUT.shape, seed=2)
    run = np.random.default_rng(4).integers(-3, 8, 50)
    with RunSums(LAYOUT, tmp_path, most_bytes=most_bytes) as sums:
        for part in (slice(0, 20), slice(20, 20), slice(20, 50)):
            chunk = to_sparse(images[part])
            sums.add(chunk, run[part], np.full(len(chunk), -1))
        blocks = list(sums.blocks(4))
        assert [len(one) for one in blocks] == [4, 4, 3]
        compare(sums.maps(), images, run, LAYOUT.thresholds)
    in_memory = accumulate(to_sparse(images), run, LAYOUT)
    assert np.array_equal(np.concatenate([one.total for one in blocks]), in_memory.total)
    assert in_memory.occupancy.sum() < (images > 0).sum()  # the threshold acts


def test_maps_do_not_make_room_for_those_that_are_added_with_them(tmp_path):
    images, run = make_images(4, LAYOUT.shape), np.array([1, 2, 1, 3])
    with RunSums(LAYOUT, tmp_path, most_bytes=3100) as sums:  # two runs
        for part in (slice(0, 2), slice(2, 4)):
            sums.add(to_sparse(images[part]), run[part], np.full(2, -1))
        compare(sums.maps(), images, run, LAYOUT.thresholds)


def test_hit_is_a_value_above_zero_and_not_below_the_threshold():
    images = np.zeros((4, *LAYOUT.shape), dtype=np.float32)
    images[:, 0, 0, 0] = 0.5, 0.49, 3.0, -1.0  # the threshold is 0.5
    images[:, 1, 0, 0] = 1e-3, -1.0, 0.0, 2.0  # it is 0
    maps = accumulate(to_sparse(images), np.array([5, 5, 5, 4]), LAYOUT)
    assert maps.run.tolist() == [4, 5]
    assert maps.occupancy[:, :, 0, 0].tolist() == [[0, 1], [2, 1]]
    np.testing.assert_allclose(maps.total[:, :, 0, 0], [[-1, 2], [3.99, -0.999]], rtol=1e-6)
    assert maps.rate[1, 0, 0, 0] == 2 / 3
    assert maps.occupancy.sum() == 4


def test_runs_of_several_files_in_any_order(folder, tmp_path):
    path, images, run, lumi, trigger = folder
    done = []
    file = accumulate_files(source(path), tmp_path / "m.h5", ROOT_LAYOUT, progress=done.append)
    assert sum(done) == N
    assert set(file.lumi_block) == {-1}
    compare(file[:], images, run, ROOT_LAYOUT.thresholds)
    assert file.origin.run == "runnr"
    assert [name for name, _ in file.origin.source_files] == [
        str(path / "a.root"),
        str(path / "b.root"),
    ]
    of_blocks = source(path, lumi_block="ls", selection="trig == 1")
    file = accumulate_files(of_blocks, tmp_path / "l.h5", ROOT_LAYOUT)
    both = run * 10 + lumi
    compare_key = file.run * 10 + file.lumi_block
    passed = trigger == 1
    assert compare_key.tolist() == np.unique(both[passed]).tolist()
    _, n_events, hits, _ = sum_by_hand(images[passed], both[passed], ROOT_LAYOUT.thresholds)
    maps = file[:]
    assert maps.n_events.tolist() == n_events
    assert np.array_equal(maps.occupancy, hits)
    assert file.origin.selection == "trig == 1"


def test_parts_merged_are_the_whole(folder, tmp_path):
    path, images, run, _, _ = folder
    parts = []
    for name in "ab":
        one = RunSource([path / f"{name}.root"], schema=path / "own.yaml", run="runnr")
        parts.append(accumulate_files(one, tmp_path / f"{name}.h5", ROOT_LAYOUT).path)
    merged = merge_run_maps(parts, tmp_path / "both.h5")
    compare(merged[:], images, run, ROOT_LAYOUT.thresholds)
    assert len(merged.origin.source_files) == 2
    with pytest.raises(InputError, match="hold the same events"):
        merge_run_maps([parts[0], merged.path], tmp_path / "no.h5")
    other = tmp_path / "other.h5"
    write_run_maps(other, make_maps())
    with pytest.raises(InputError, match=r"other.h5: the cells are 4x16 .* 8x8 in eta -2.5 to 2.5"):
        merge_run_maps([parts[0], other], tmp_path / "no.h5")


def test_what_does_not_add_up_is_not_merged(tmp_path):
    maps, paths = make_maps(3), [tmp_path / f"{name}.h5" for name in "abc"]
    write_run_maps(paths[0], maps)
    write_run_maps(paths[1], maps, origin=MapOrigin(selection="trig == 1"))
    with pytest.raises(InputError, match=r"b.h5: its events have the selection trig == 1, those"):
        merge_run_maps(paths[:2], tmp_path / "no.h5")
    write_run_maps(paths[2], replace(maps, lumi_block=np.arange(3)))
    with pytest.raises(InputError, match=r"a.h5 has maps of whole runs, .*c.h5 of lumi blocks"):
        merge_run_maps([paths[0], paths[2]], tmp_path / "no.h5")
    # each ROOT file a run, in jobs of their own: the same number twice is a mistake, parts are not
    for run, is_wrong in (("file", True), (r"file:run_(\d+)", False)):
        for name in "ab":
            origin = MapOrigin(((f"{name}/run_1.root", name),), run=run)
            write_run_maps(tmp_path / f"{name}.h5", maps[:1], origin=origin)
        if is_wrong:
            with pytest.raises(InputError, match=r"a/run_1.root and b/run_1.root have the same n"):
                merge_run_maps(paths[:2], tmp_path / "no.h5")
        else:
            assert merge_run_maps(paths[:2], tmp_path / "sum.h5").n_events.tolist() == [1000]


def test_files_without_events(folder, tmp_path):
    path, images, run, _, _ = folder
    none = {"runnr": np.zeros(0, np.int32)}
    towers, tracks = (part[:0] for part in make_events(1))
    empty = write_file(tmp_path / "empty.root", t=columns_of(towers, tracks, **none))
    files = [path / "a.root", empty, path / "b.root"]
    several = RunSource(files, schema=path / "own.yaml", run="runnr")
    file = accumulate_files(several, tmp_path / "m.h5", ROOT_LAYOUT)
    compare(file[:], images, run, ROOT_LAYOUT.thresholds)
    alone = RunSource([empty], schema=path / "own.yaml", run="runnr")
    with pytest.raises(InputError, match=r"empty.root: no event in it"):
        accumulate_files(alone, tmp_path / "no.h5", ROOT_LAYOUT)
    part = accumulate_files(alone, tmp_path / "e.h5", ROOT_LAYOUT, may_be_empty=True)
    assert len(part) == 0
    whole = accumulate_files(source(path), tmp_path / "m.h5", ROOT_LAYOUT)
    merged = merge_run_maps([part.path, whole.path], tmp_path / "both.h5")
    compare(merged[:], images, run, ROOT_LAYOUT.thresholds)
    with pytest.raises(InputError, match=r"e.h5 and the other files to merge have no runs"):
        merge_run_maps([part.path], tmp_path / "no.h5")


def test_processes_give_the_same(folder, tmp_path, monkeypatch):
    def in_this_one(jobs, *, processes, progress):
        assert (len(jobs), processes) == (2, 2)
        return [pickle.loads(pickle.dumps(job))(progress=progress) for job in jobs]

    monkeypatch.setattr(accumulation, "run_in_processes", in_this_one)
    done = []
    path, images, run, _, _ = folder
    options = {"processes": 2, "progress": done.append}
    file = accumulate_files(source(path), tmp_path / "m.h5", ROOT_LAYOUT, **options)
    compare(file[:], images, run, ROOT_LAYOUT.thresholds)
    assert sum(done) == N
    assert [one.name for one in tmp_path.iterdir()] == ["m.h5"]


def test_run_in_the_name_of_the_file(folder, tmp_path):
    path, images, _, _, _ = folder
    of_run = np.repeat([12, 13], 30)
    for number, name in ((12, "a"), (13, "b")):
        (tmp_path / f"run_{number}.root").symlink_to(path / f"{name}.root")
    files = [tmp_path / "run_12.root", tmp_path / "run_13.root"]
    one = RunSource(files, schema=path / "own.yaml", run="file")
    compare(
        accumulate_files(one, tmp_path / "m.h5", ROOT_LAYOUT)[:],
        images,
        of_run,
        ROOT_LAYOUT.thresholds,
    )
    one = RunSource(files, schema=path / "own.yaml", run=r"file:run_(\d)\d")
    parts = accumulate_files(one, tmp_path / "m.h5", ROOT_LAYOUT)
    assert (parts.run.tolist(), parts.n_events.tolist()) == ([1], [N])
    assert number_in_name("root://host//data/run_7.root:t") == 7
    with pytest.raises(InputError, match="99999999999999999999, is too large for that of a run"):
        number_in_name("run_99999999999999999999.root")
    assert number_in_name("data2_run_0031.root", r"run_(\d+)") == 31
    with pytest.raises(InputError, match=r"a_2_3.root: its name has 2 numbers, .* pattern"):
        number_in_name("a_2_3.root")
    with pytest.raises(InputError, match="its name has no number that"):
        number_in_name("a_2_3.root", r"run(\d+)")
    with pytest.raises(InputError, match="no pattern"):
        number_in_name("a_2.root", "(")


def test_branches_of_known_schemas(tmp_path):
    """Run and lumi block of each schema without a word of the user."""
    n = 30
    nano = {"run": np.full(n, 5, np.uint32), "luminosityBlock": np.arange(n, dtype=np.uint32) // 10}
    tracks = container_columns("InDetTrackParticles", "theta", "phi", "qOverP", counts=(5, 1, 0))
    info = {"EventInfoAuxDyn.runNumber": np.array([8, 8, 9], np.uint32)}
    info["EventInfoAuxDyn.lumiBlock"] = np.array([1, 2, 2], np.uint32)
    towers, calo_tracks = make_events(4)
    found = {
        "nano": (
            write_nanoaod(tmp_path / "nano.root", **nano),
            "charged_pt",
            [(5, 0), (5, 1), (5, 2)],
        ),
        "xaod": (write_xaod(tmp_path / "x.root", tracks, info), "tracks", [(8, 1), (8, 2), (9, 2)]),
    }
    for path, channel, keys in found.values():
        layout = MapLayout.of_channels(EtaPhiGrid(4, 4), (channel,))
        blocks = RunSource([path], per_lumi_block=True)
        file = accumulate_files(blocks, tmp_path / "m.h5", layout)
        assert list(zip(file.run.tolist(), file.lumi_block.tolist(), strict=True)) == keys
        assert file[:].occupancy.sum() > 0
    layout = MapLayout.of_channels(EtaPhiGrid(4, 4), ("tracks",))
    podio = write_podio(tmp_path / "p.root", podio_collections())
    file = accumulate_files([podio], tmp_path / "m.h5", layout)
    assert (file.run.tolist(), file.n_events.tolist()) == ([1], [12])
    ntuple = write_ntuple(tmp_path / "c.root", towers, calo_tracks)
    with pytest.raises(InputError, match=r"c.root: it has no branch .* \(calovision\).*or file"):
        accumulate_files([ntuple], tmp_path / "no.h5", layout)
    assert accumulate_files(RunSource([ntuple], run="41"), tmp_path / "m.h5", layout).run == [41]


def test_image_files_with_a_column_of_runs(tmp_path):
    images, run = make_images(20), np.arange(20) // 7
    paths = []
    for name, part in (("a", slice(0, 8)), ("b", slice(8, 20))):
        paths.append(tmp_path / f"{name}.h5")
        about = make_metadata(source_files=[(f"{name}.root", name)])
        with ImageFileWriter(paths[-1], about.image_shape) as writer:
            chunk = to_sparse(images[part])
            writer.append(chunk, make_columns(len(chunk)) | {"run": run[part].astype(float)})
            writer.close(about)
    maps = accumulate_images(paths, tmp_path / "m.h5", thresholds=0.3)
    compare(maps[:], images, run, (0.3, 0.3))
    assert maps.origin.selection == "(n_fat_jets >= 3)"
    with pytest.raises(InputError, match=r"a.h5: it has no column 'lumi'"):
        accumulate_images(paths, tmp_path / "no.h5", lumi_block="lumi")
    with pytest.raises(InputError, match="hold the same events"):
        accumulate_images([paths[0], paths[0]], tmp_path / "no.h5")
    assert not (tmp_path / "no.h5").exists()


BAD = {
    "variable 'run' (rnnr): the tree 't' has no branch rnnr; did you mean runnr": {"run": "rnnr"},
    "the run runnr / 2 is 4.5 in entry 0: it must be a whole": {"run": "runnr / 2"},
    "the lumi block 0 * ls - 5 is -5 in entry 0: it must be a whole number, not negative": {
        "lumi_block": "0 * ls - 5"
    },
    "no event passes the selection trig > 5": {"selection": "trig > 5"},
    "it has no branch that its schema (": {"per_lumi_block": True},
}


@pytest.mark.parametrize("sentence", BAD)
def test_bad_numbers_are_one_sentence(folder, sentence, tmp_path):
    with pytest.raises(InputError) as caught:
        accumulate_files(source(folder[0], **BAD[sentence]), tmp_path / "no.h5", ROOT_LAYOUT)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_no_runs(folder, tmp_path):
    path = folder[0]
    with pytest.raises(InputError, match="given twice"):
        RunSource([path / "a.root"] * 2)
    with pytest.raises(InputError, match="no ROOT file"):
        RunSource([])
    copy = tmp_path / "copy.root"
    copy.write_bytes((path / "a.root").read_bytes())
    twice = RunSource([path / "a.root", copy], schema=path / "own.yaml", run="runnr")
    with pytest.raises(InputError, match="hold the same events"):
        accumulate_files(twice, tmp_path / "no.h5", ROOT_LAYOUT)
    layout = MapLayout.of_channels(EtaPhiGrid(4, 4), ("neutral_pt",))
    with pytest.raises(
        InputError, match=r"a.root: the image channel 'neutral_pt' needs candidates"
    ):
        accumulate_files(source(path), tmp_path / "no.h5", layout)
    with pytest.raises(InputError, match=r"the threshold of 'ems': .* did you mean 'em'"):
        MapLayout.of_channels(EtaPhiGrid(4, 4), ("em",), {"ems": 3})
    with pytest.raises(InputError, match="threshold of 'em' is -1"):
        MapLayout.of_channels(EtaPhiGrid(4, 4), ("em",), -1)
    with pytest.raises(InputError, match="do not fit maps"):
        accumulate(to_sparse(make_images(3)), np.ones(3), LAYOUT)
    with pytest.raises(InputError, match=r"number of a run is 1\.5"):
        accumulate(to_sparse(make_images(2, LAYOUT.shape)), np.array([1, 1.5]), LAYOUT)
    broken = to_sparse(make_images(3, LAYOUT.shape))
    broken.values[-1] = np.nan
    with pytest.raises(InputError, match="image 2 is damaged"):
        accumulate(broken, np.ones(3), LAYOUT)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path, maps = tmp_path_factory.mktemp("maps") / "m.h5", make_maps(9)
    write_run_maps(path, maps.blocks(4))
    return path, maps


def test_file_gives_what_was_written(written):
    path, maps = written
    file = RunMapFile(path)
    assert (len(file), MapLayout.of(file)) == (9, LAYOUT)
    for rows in (slice(None), slice(2, 7), np.array([0, 3, 4, 8]), maps.run % 2 == 0):
        found, chosen = file[rows], maps[rows]
        for name in ("run", "lumi_block", "n_events", "occupancy", "total"):
            assert np.array_equal(getattr(found, name), getattr(chosen, name))
    assert [one.run.tolist() for one in file.select(maps.run > 4).blocks(3)] == [[5, 6, 7], [8, 9]]
    occupancy, total = file.select(slice(1, None)).cells(slice(1, 2), slice(0, 3))
    assert np.array_equal(occupancy, maps.occupancy[1:, 1:2, :3])
    assert np.array_equal(total, maps.total[1:, 1:2, :3])
    assert (len(file.select([])), file[[]].total.shape) == (0, (0, *LAYOUT.shape))


def test_specification_names_all_that_is_written(written):
    page = Path(calovision.monitoring.__file__).with_name("RUN_MAPS.md").read_text()
    with h5py.File(written[0]) as file:
        names = [*file.attrs, *(f"{group}/{name}" for group in file for name in file[group])]
    assert len(names) == 20
    assert [name for name in names if f"`{name}`" not in page] == []


def changed(path, tmp_path, change):
    new = tmp_path / "changed.h5"
    new.write_bytes(path.read_bytes())
    with edited_other(new) as file:
        change(file)
    return new


def no_total(file):
    del file["maps/total"]


CHANGES = {
    r"not a calovision-run-maps file": lambda f: f.attrs.update(format="calovision-images"),
    r"version 2 is newer than this calovision reads": lambda f: f.attrs.update(version=2),
    r"incomplete file of run maps \(no maps/total\)": no_total,
    r"incomplete file of run maps \('runs/run' has the shape": lambda f: f.attrs.update(n_rows=10),
    r"no attribute 'grid'": lambda f: f.attrs.pop("grid"),
    r"'thresholds' is": lambda f: f.attrs.update(thresholds=json.dumps([1])),
    r"'grid'": lambda f: f.attrs.update(grid="{}"),
    r"its runs do not ascend": lambda f: f["runs/run"].write_direct(np.ones(9, np.int64)),
    r"'n_rows' is 'many'": lambda f: f.attrs.update(n_rows="many"),
}


@pytest.mark.parametrize("sentence", CHANGES)
def test_files_that_are_refused(written, sentence, tmp_path):
    path = changed(written[0], tmp_path, CHANGES[sentence])
    with pytest.raises(InputError, match=rf"changed.h5.*{sentence}"):
        RunMapFile(path)


def test_numbers_that_no_map_has(written, tmp_path):
    def too_many(file):
        file["maps/occupancy"][3, 0, 0, 0] = 501
        del file["maps/checksums"]

    file = RunMapFile(changed(written[0], tmp_path, too_many))
    assert len(file[:3]) == 3
    with pytest.raises(InputError, match=r"the occupancy of run 4 must be whole numbers from 0 to"):
        file[:]
    maps = written[1]
    for other, sentence in (
        (maps[np.array([1, 0])], "run 1 comes after run 2"),
        (make_maps(1, rate=1.0, n_events=5)[:0], None),
    ):
        if sentence is None:
            write_run_maps(tmp_path / "no.h5", other)
            assert len(RunMapFile(tmp_path / "no.h5")) == 0
            (tmp_path / "no.h5").unlink()
        else:
            with pytest.raises(InputError, match=sentence):
                write_run_maps(tmp_path / "no.h5", other)
    with pytest.raises(InputError, match="no maps to write"):
        write_run_maps(tmp_path / "no.h5", [])
    maps.total[0, 0, 0, 0], before = np.nan, maps.total[0, 0, 0, 0]
    with pytest.raises(InputError, match="the total of run 1 must be finite"):
        write_run_maps(tmp_path / "no.h5", maps)
    maps.total[0, 0, 0, 0] = before
    assert not (tmp_path / "no.h5").exists()
