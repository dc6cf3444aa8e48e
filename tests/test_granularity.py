"""How ROOT files are cut into jobs: counting, cutting, and that the cut changes nothing."""

import json
from dataclasses import replace
from itertools import pairwise
from math import fsum
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import yaml
from fakes import make_events, write_image_file, write_ntuple
from hypothesis import given
from hypothesis import strategies as st

from calovision.conversion import ImageRecipe, Sample, Source, WeightOptions, convert_job
from calovision.conversion.source import share_of_range
from calovision.conversion.variations import Variation
from calovision.core.digests import SEAL
from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid
from calovision.jets import FatJetDefinition
from calovision.ntuples import (
    count_entries,
    count_files,
    counts,
    cut_into_jobs,
    iterate_events,
    list_files,
)
from calovision.storage import ImageCollection
from calovision.workflow import Configuration
from calovision.workflow.analysis import Analysis

RECIPE = ImageRecipe(
    grid=EtaPhiGrid(16, 16),
    fat_jets=FatJetDefinition(pt_min=5.0),
    preselection={"one jet": "n_fat_jets >= 1"},
)
SAMPLE = Sample("qcd", 0, cross_section_pb=7.3)
ONE_PER_FILE, RANGES, JOINED = 1, 7, 1000


def make_files(folder, *sizes, **options):
    """Calovision ntuples of the given numbers of events, with weights whose sum is no round
    number."""
    rng = np.random.default_rng(3)
    return [
        str(
            write_ntuple(
                folder / f"{k}.root",
                *make_events(n, seed=k + 1),
                first=1000 * k,
                weight=rng.exponential(1.3, n),
                parts=min(n, 3) or 1,
                **options,
            )
        )
        for k, n in enumerate(sizes)
    ]


def build(paths, folder, events_per_job, recipe=RECIPE, *, sample=SAMPLE, **of_files):
    """Image files of all jobs; 1 means one job per file."""
    sizes = [count_entries(path) for path in paths]
    cuts = [(k, k + 1, None) for k in range(len(paths))]
    if events_per_job != ONE_PER_FILE:
        cuts = cut_into_jobs(sizes, events_per_job)
    outputs = []
    for number, (first, end, entry_range) in enumerate(cuts):
        outputs.append(folder / f"{events_per_job}" / f"{number:04d}.h5")
        convert_job(
            Source(
                paths[first:end],
                first_file=first,
                n_files=len(paths),
                n_entries=sizes[first:end],
                entry_range=entry_range,
                **of_files,
            ),
            outputs[-1],
            recipe,
            sample=sample,
        )
    return outputs


def contents(outputs):
    """Everything that the analysis sees of some image files, in one piece."""
    collection = ImageCollection(outputs)
    columns = {name: collection.column(name) for name in collection.files[0].events}
    columns["images"] = collection.dense(np.arange(len(collection)))
    columns["normalized"] = collection.event_weights(36.1)
    return columns | {"cut_flow": [row[:2] for row in collection.cut_flow("qcd")]}


def assert_equal_contents(one, other):
    assert set(one) == set(other)
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name], err_msg=name)


# --- the cut


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([10], [(0, 1, None)]),
        ([25], [(0, 1, (0, 8)), (0, 1, (8, 16)), (0, 1, (16, None))]),
        ([3, 4, 5, 1], [(0, 2, None), (2, 4, None)]),
        (
            [3, 21, 0, 4],
            [(0, 1, None), (1, 2, (0, 7)), (1, 2, (7, 14)), (1, 2, (14, None)), (2, 4, None)],
        ),
        ([0, 0], [(0, 2, None)]),
        ([], []),
    ],
)
def test_jobs_of_ten_events(sizes, expected):
    assert cut_into_jobs(sizes, 10) == expected


@given(st.lists(st.integers(0, 50), max_size=12), st.integers(1, 30))
def test_every_entry_is_in_one_job_and_no_job_is_too_large(sizes, events_per_job):
    entries = []
    for first, end, entry_range in cut_into_jobs(sizes, events_per_job):
        start, stop = entry_range or (0, None)
        of_job = [(k, e) for k in range(first, end) for e in range(sizes[k])[start:stop]]
        assert len(of_job) <= events_per_job
        entries += of_job
    assert entries == [(k, e) for k, size in enumerate(sizes) for e in range(size)]


@given(
    st.one_of(st.integers(0, 10**15), st.floats(-1e12, 1e12, allow_subnormal=False)),
    st.integers(0, 1000),
    st.lists(st.integers(1, 1200), max_size=5),
)
def test_shares_of_ranges_add_up_exactly(total, n_entries, edges):
    edges = [0, *sorted(edges), None]
    shares = [share_of_range(total, first, end, n_entries) for first, end in pairwise(edges)]
    assert fsum(shares) == total
    assert {type(share) for share in shares} == {type(total)}


# --- what comes out


@pytest.mark.parametrize("events_per_job", [RANGES, 13, JOINED])
@pytest.mark.parametrize(
    "weights", [WeightOptions(), WeightOptions(n_generated=301, sum_of_weights=123.4567)]
)
def test_cut_changes_nothing(tmp_path, events_per_job, weights):
    paths = make_files(tmp_path, 20, 3, 0, 17, n_generated=33)
    sample = replace(SAMPLE, weights=weights)
    expected = build(paths, tmp_path, ONE_PER_FILE, sample=sample)
    outputs = build(paths, tmp_path, events_per_job, sample=sample)
    assert len(expected) == 4
    assert len(outputs) == {RANGES: 7, 13: 5, JOINED: 1}[events_per_job]
    one, other = contents(expected), contents(outputs)
    assert len(one["weight"]) > 20
    if events_per_job != JOINED:  # the sum of a joined file is rounded once more
        assert np.array_equal(one["normalized"], other["normalized"])
    np.testing.assert_allclose(one.pop("normalized"), other.pop("normalized"), rtol=1e-15)
    assert_equal_contents(one, other)


def test_cut_changes_nothing_for_another_detector(tmp_path):
    """The random numbers of a variation belong to the event."""
    paths = make_files(tmp_path, 20)
    recipe = replace(RECIPE, variation=Variation(scale=1.1, smear=0.2, dead=0.05))
    assert_equal_contents(
        contents(build(paths, tmp_path, ONE_PER_FILE, recipe)),
        contents(build(paths, tmp_path, RANGES, recipe)),
    )


def test_cut_changes_nothing_for_delphes_files(tmp_path, delphes_dir):
    """Genuine files of 100 and 10 events, with Delphes' own jets, in jobs of 30."""
    names = (
        "delphes_ATLASfat_qcd300_pythia8_100ev_slim.root",
        "delphes_ATLASfat_qcd300_pythia8_10ev_slim.root",
    )
    paths = [str(delphes_dir / name) for name in names]
    recipe = replace(RECIPE, fat_jets=FatJetDefinition(pt_min=200.0))
    expected = contents(build(paths, tmp_path, ONE_PER_FILE, recipe, schema="delphes"))
    outputs = build(paths, tmp_path, 30, recipe, schema="delphes")
    assert len(outputs) == 5
    assert len(expected["weight"]) > 90
    assert_equal_contents(expected, contents(outputs))
    assert_equal_contents(
        expected, contents(build(paths, tmp_path, JOINED, recipe, schema="delphes"))
    )


def test_events_without_numbers_have_those_of_their_entries(tmp_path):
    schema = {
        "tree": "events",
        "towers": {
            "eta": "towers_eta",
            "phi": "towers_phi",
            "e_em": "towers_e_em",
            "e_had": "towers_e_had",
        },
        "tracks": {"pt": "tracks_pt", "eta": "tracks_eta", "phi": "tracks_phi"},
    }
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(schema))
    paths, options = make_files(tmp_path, 20), {"schema": str(tmp_path / "s.yaml")}
    recipe = replace(RECIPE, preselection={})
    expected = contents(build(paths, tmp_path, ONE_PER_FILE, recipe, **options))
    assert expected["event_number"].tolist() == list(range(20))
    assert_equal_contents(expected, contents(build(paths, tmp_path, RANGES, recipe, **options)))


@pytest.mark.parametrize("chunk_size", [None, 4])
@pytest.mark.parametrize(("first", "end"), [(0, None), (5, 11), (18, 50), (30, None), (7, 7)])
def test_range_of_entries(tmp_path, chunk_size, first, end):
    (path,) = make_files(tmp_path, 20)
    (whole,) = iterate_events(path, chunk_size=20)
    found = list(iterate_events(path, chunk_size=chunk_size, entry_range=(first, end)))
    numbers = [number for events in found for number in events.event_number]
    assert numbers == list(range(20))[first:end]
    if found:
        towers = ak.concatenate([events.towers for events in found])
        assert ak.to_list(towers) == ak.to_list(whole.towers[first:end])


def test_part_of_a_file_that_has_changed_is_refused(tmp_path):
    (path,) = make_files(tmp_path, 20)
    part = Source(path, n_files=1, n_entries=[21], entry_range=(0, 7))
    with pytest.raises(
        InputError, match=r"0\.root has 20 entries, but 21 when the jobs were made: start again"
    ):
        convert_job(part, tmp_path / "a.h5", RECIPE, sample=SAMPLE, on_bad_file="skip")


def test_bad_file_of_a_joined_job_is_skipped_alone(tmp_path):
    paths = make_files(tmp_path, 20, 5, 17)
    Path(paths[1]).write_bytes(Path(paths[1]).read_bytes()[:900])
    options = {"sample": SAMPLE, "on_bad_file": "skip"}
    info = convert_job(
        Source(paths, n_files=3, n_entries=[20, None, 17]), tmp_path / "a.h5", RECIPE, **options
    )
    assert [path for path, _ in info.skipped_files] == [paths[1]]
    assert info.n_generated == 37
    good = build([paths[0], paths[2]], tmp_path, JOINED)
    assert_equal_contents(contents(good), contents([tmp_path / "a.h5"]))
    none = convert_job(Source([paths[1]] * 2, n_files=3), tmp_path / "b.h5", RECIPE, **options)
    assert (none.n_generated, len(ImageCollection([tmp_path / "b.h5"]))) == (0, 0)


def test_parts_of_two_cuts_are_not_mixed(tmp_path):
    paths = make_files(tmp_path, 20)
    seven, ten = build(paths, tmp_path, RANGES), build(paths, tmp_path, 10)
    assert len(ImageCollection(seven)) == len(ImageCollection(ten))
    with pytest.raises(
        InputError, match=r"7/0001\.h5 has events that .*10/0000\.h5 has, too: remove both"
    ):
        ImageCollection([ten[0], *seven[1:]])
    with pytest.raises(InputError, match="has events that"):
        ImageCollection([*build(paths, tmp_path, ONE_PER_FILE), seven[2]])


def test_skipped_parts_of_one_file_are_listed_once(tmp_path):
    skipped = {"skipped_files": [("a.root", "it is damaged")], "source_files": []}
    paths = [write_image_file(tmp_path / f"{name}.h5", **skipped) for name in "ab"]
    assert ImageCollection(paths).skipped_files == [("a.root", "it is damaged")]


# --- counting


def forbid_counting(monkeypatch):
    def refuse(path, **_):
        raise AssertionError(f"{path} was opened")

    monkeypatch.setattr(counts, "count_entries", refuse)


def _entries(cache):
    """Numbers of entries in a cache."""
    content = json.loads(cache.read_text())
    return [value["entries"] for key, value in content.items() if key != SEAL]


def test_entries_are_counted_once(tmp_path, monkeypatch):
    paths = make_files(tmp_path, 20, 3)
    files, cache = dict.fromkeys(paths), tmp_path / "results" / "entry_counts.json"
    assert count_files(files, cache) == [20, 3]
    forbid_counting(monkeypatch)
    assert count_files(files, cache) == [20, 3]
    assert count_files({paths[0]: 12345}, tmp_path / "none.json") == [12345]
    assert not (tmp_path / "none.json").exists()
    with pytest.raises(AssertionError, match=r"0\.root was opened"):
        count_files(files, cache, schema="calovision")


def test_file_that_has_changed_is_counted_again(tmp_path, monkeypatch):
    paths = make_files(tmp_path, 20, 3)
    files, cache = dict.fromkeys(paths), tmp_path / "entry_counts.json"
    count_files(files, cache)
    write_ntuple(paths[1], *make_events(8))
    forbid_counting(monkeypatch)
    assert count_files(files, cache, check=False) == [20, 3]
    monkeypatch.undo()
    assert count_files(files, cache) == [20, 8]
    counted = cache.read_text()
    # a damaged cache is no reason to stop, nor to believe another number
    for text in ("{", "[]", "[" * 100_000, counted.replace("20", "28")):
        cache.write_text(text)
        assert count_files(files, cache) == [20, 8]


def test_entries_are_counted_again_if_the_schema_names_another_tree(tmp_path):
    files = dict.fromkeys(make_files(tmp_path, 20))
    cache, schema = tmp_path / "entry_counts.json", tmp_path / "my.yaml"
    for tree, n_entries in (("events", 20), ("generation", 1)):
        schema.write_text(f"tree: {tree}\ntowers: {{eta: x, phi: x, e: x}}")
        assert count_files(files, cache, schema=str(schema)) == [n_entries]


def test_bad_file_is_counted_as_empty_or_stops(tmp_path):
    paths = make_files(tmp_path, 20, 3)
    Path(paths[1]).write_bytes(Path(paths[1]).read_bytes()[:900])
    files, cache = dict.fromkeys(paths), tmp_path / "entry_counts.json"
    with pytest.raises(InputError, match=r"1\.root is a truncated"):
        count_files(files, cache)
    assert count_files(files, cache, on_bad_file="skip") == [20, 0]
    assert _entries(cache) == [20]


def test_count_of_genuine_files_agrees_with_their_branches(delphes_dir):
    for path in sorted(delphes_dir.glob("*slim.root")):
        assert (
            count_entries(path)
            == count_entries(path, schema="delphes")
            == (100 if "100ev" in path.name else 10)
        )


def test_list_of_files_with_their_entries(tmp_path):
    paths = make_files(tmp_path, 20, 3)
    (tmp_path / "list.txt").write_text("0.root 20  # the first\n1.root\n")
    assert list_files([tmp_path / "list.txt"]) == {paths[0]: 20, paths[1]: None}
    (tmp_path / "list.txt").write_text("*.root 20\n")
    with pytest.raises(
        InputError, match=r"list\.txt, line 1: the number of entries 20 must stand behind one file"
    ):
        list_files([tmp_path / "list.txt"])


def test_variables_in_a_list_of_files(tmp_path, monkeypatch):
    paths = make_files(tmp_path, 20, 3)
    monkeypatch.setenv("NTUPLES", str(tmp_path))
    monkeypatch.delenv("NOWHERE", raising=False)
    (tmp_path / "list.txt").write_text("$NTUPLES/0.root 20\n${NTUPLES}/1.root\n")
    assert list_files([tmp_path / "list.txt"]) == {paths[0]: 20, paths[1]: None}
    (tmp_path / "list.txt").write_text("0.root\n$NOWHERE/1.root\n")
    with pytest.raises(
        InputError,
        match=r"list\.txt, line 2: the variable NOWHERE in '\$NOWHERE/1\.root' is not set",
    ):
        list_files([tmp_path / "list.txt"])


# --- the workflow


def test_jobs_of_the_workflow(tmp_path):
    """Files of 20, 3 and 4 events, and one of 6: in jobs of 10 two ranges and one that joins two;
    varied, the first."""
    signal, background = tmp_path / "signal", tmp_path / "background"
    signal.mkdir()
    background.mkdir()
    make_files(signal, 6)
    make_files(background, 20, 3, 4)
    config = {
        "images": {"events_per_job": 10},
        "robustness": {"variations": {"worse": {"smear": 0.3}}},
        "samples": {
            "a": {"label": 1, "files": [f"{signal}/*.root"]},
            "b": {"label": 0, "files": [f"{background}/*.root"]},
        },
    }
    config["results_dir"] = str(tmp_path / "results")
    analysis = Analysis(Configuration.of_module(config))
    of_jobs = [
        {
            name: [(chunk.files, chunk.entry_range) for chunk in one.values()]
            for name, one in of.items()
        }
        for of in (analysis.chunks, analysis.varied_chunks)
    ]
    a = [([f"{signal}/0.root"], None)]
    first, second, third = (f"{background}/{number}.root" for number in range(3))
    parts = [([first], (0, 10)), ([first], (10, None))]
    assert of_jobs == [
        {"a": a, "b": [*parts, ([second, third], None)]},
        {"a": a, "b": parts},
    ]
    assert sorted(_entries(tmp_path / "results/entry_counts.json")) == [3, 4, 6, 20]
