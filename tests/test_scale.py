"""Many files and large ones: file descriptors and memory stay bounded."""

import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from benchmarks.store import believe, write_holes
from fakes import make_images, write_image_file
from test_storage_maps import Owner

from calovision.datasets import ImageLoader, Reading
from calovision.storage import ImageCollection, ImageFile
from calovision.storage.hdf5 import maps
from calovision.storage.hdf5.maps import PAGES_OF_A_ROW, MapPool

TESTS = Path(__file__).parent
DESCRIPTORS = Path("/proc/self/fd")
STATUS = Path("/proc/self/status")
needs_proc = pytest.mark.skipif(not DESCRIPTORS.exists(), reason="no /proc on this system")
IMAGES = make_images(20)


def resident_file_pages():
    """MB of files that count as memory of this process, on a disk or in memory (tmpfs)."""
    lines = [line.split() for line in STATUS.read_text().splitlines()]
    return sum(int(line[1]) / 1000 for line in lines if line[0] in ("RssFile:", "RssShmem:"))


def n_descriptors():
    return len(list(DESCRIPTORS.iterdir()))


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A thousand files of 20 images, which are one file for the disk."""
    folder = tmp_path_factory.mktemp("many")
    first = write_image_file(folder / "0000.h5", images=IMAGES)
    paths = [folder / f"{number:04d}.h5" for number in range(1000)]
    for path in paths[1:]:
        os.link(first, path)
    return ImageCollection(paths)


@needs_proc
def test_a_thousand_files_train_on_few_descriptors(many):
    assert len(many) == 20_000
    before = n_descriptors()
    loader = ImageLoader(
        many, np.arange(len(many)), batch_size=256, shuffle=True, reading=Reading(in_memory=False)
    )
    most, owners = 0, set()
    for batch in islice(loader, 3):
        rows = batch.indices.numpy() % 20
        np.testing.assert_array_equal(batch.dense().numpy(), IMAGES[rows])
        owners |= set(batch.indices.numpy() // 20)
        most = max(most, n_descriptors())
    assert len(owners) > 400  # files that were read
    assert most - before <= maps.MOST_MAPS + 5


@needs_proc
def test_columns_and_loading_open_one_file_at_a_time(many):
    before = n_descriptors()
    assert many.column("ht").shape == (20_000,)
    assert all(file.events._columns == {} for file in many.files)
    chosen = np.arange(7, len(many), 190)
    np.testing.assert_array_equal(many.load(chosen).dense(), IMAGES[chosen % 20])
    assert n_descriptors() - before <= maps.MOST_MAPS


def test_rows_of_many_files_are_those_of_few(many):
    chosen = np.random.default_rng(1).permutation(len(many))[:300]
    sparse, few = many.sparse(chosen), ImageFile(many.files[0].path).sparse(chosen % 20)
    for name in ("offsets", "cells", "values"):
        np.testing.assert_array_equal(getattr(sparse, name), getattr(few, name))


@needs_proc
def test_pages_are_given_back(tmp_path):
    file = tmp_path / "a.bin"
    with file.open("wb") as output:
        output.truncate(2**26)
    owner, before = Owner(np.memmap(file, mode="r")), resident_file_pages()
    pool = MapPool(most_resident=2**25)
    pool.add(owner)
    assert owner.mapped_bytes[::4096].sum() == 0
    assert resident_file_pages() - before > 60
    pool.touch(2**25 // PAGES_OF_A_ROW)
    assert resident_file_pages() - before > 60  # not yet too many
    pool.touch(1)
    assert resident_file_pages() - before < 10
    assert owner.mapped_bytes[-1] == 0


@needs_proc
def test_pages_of_small_files_stay(tmp_path):
    file = tmp_path / "a.bin"
    file.write_bytes(bytes(2**24))
    owner, pool, before = (
        Owner(np.memmap(file, mode="r")),
        MapPool(most_resident=2**25),
        resident_file_pages(),
    )
    pool.add(owner)
    assert owner.mapped_bytes[::4096].sum() == 0
    pool.touch(10**6)
    assert resident_file_pages() - before > 15


@needs_proc
def test_pages_are_given_back_between_batches(tmp_path, monkeypatch):
    """Random rows of a file touch far more of it than they are long."""
    file = believe(ImageFile(write_holes(tmp_path / "holes.h5", 20_000)))
    assert file.path.stat().st_size > 128e6
    assert file.path.stat().st_blocks * 512 < 2e6
    monkeypatch.setattr(maps.POOL, "most_resident", 2**23)
    before, rows = resident_file_pages(), np.random.default_rng(1).permutation(20_000)
    most = 0.0
    for start in range(0, 2000, 20):
        assert not file.dense(rows[start : start + 20]).any()
        most = max(most, resident_file_pages() - before)
    assert most < 25


@needs_proc
def test_store_is_larger_than_the_memory(tmp_path):
    """The command of the benchmark of 100 GB, with 0.6 GB and accordingly few pages."""
    paths = [write_holes(tmp_path / f"{number}.h5", 45_000) for number in range(2)]
    program = (
        "import runpy; from calovision.storage.hdf5 import maps; maps.POOL.most_resident = 2**24; "
        "runpy.run_module('benchmarks.peak_store', run_name='__main__')"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, *map(str, paths)],
        cwd=TESTS,
        capture_output=True,
        text=True,
        check=True,
    )
    imports, peak, n_read = map(float, result.stdout.split())
    assert n_read == 100 * 256 + 90_000
    assert peak - imports < 300  # MB; the files have 590


COUNT_READS = """
import sys
from snakemake import cli, script
get_source, read = script.get_source, []
script.get_source = lambda path, *others: (read.append(path), get_source(path, *others))[1]
try:
    cli.main(sys.argv[1:])
finally:
    print("READ", len(read))
"""


def test_planning_reads_the_script_of_a_rule_once(tmp_path):
    """Not once a job, which is a fifth of the time that planning ten thousand of them takes."""
    options = [
        "-n",
        "--configfile",
        "config/test.yaml",
        "--config",
        f"results_dir={tmp_path}/results",
    ]
    command = [sys.executable, "-c", COUNT_READS, *options]
    output = subprocess.run(
        command, cwd=TESTS.parent, capture_output=True, text=True, check=True
    ).stdout
    table = output.split("Job stats:")[1].split("\n\n")[0].splitlines()[3:]
    n_jobs = {line.split()[0]: int(line.split()[1]) for line in table}
    with_script = set(n_jobs) - {"all", "total"}
    assert n_jobs["simulate_ntuples"] > 1
    assert f"READ {len(with_script)}" in output.splitlines()
