"""``calovision images`` as a process of its own, and in several."""

import re

import awkward as ak
import numpy as np
import pytest
from fakes_cli import SMALL, read_all, run_process, stored, succeed, write_small

from calovision.images import build_images
from calovision.images.grid import EtaPhiGrid
from calovision.storage import ImageFile

TEN = (
    "delphes_ATLASfat_rpv_go1400_n850_pythia8_10ev_slim.root",
    "delphes_ATLASfat_qcd300_pythia8_10ev_slim.root",
)


def test_the_documented_line_on_genuine_files(tmp_path, delphes_dir):
    # the very line of the documentation, in a process of its own
    for letter, name in zip("ab", TEN, strict=True):
        (tmp_path / f"{letter}.root").symlink_to(delphes_dir / name)
    line = (
        "images a.root b.root -o out.h5 --schema delphes --grid 64x64 --eta-range -2.5 2.5 "
        "--channels em,had,tracks "
        "--no-selection"
    )
    stdout, stderr = run_process(*line.split(), folder=tmp_path)
    events = read_all(*(delphes_dir / name for name in TEN))
    assert stored(stdout, "events") == "20"
    file = ImageFile(tmp_path / "out.h5")
    grid = EtaPhiGrid(64, 64, (-2.5, 2.5))
    assert (file.metadata.grid, file.metadata.channels) == (grid, ("em", "had", "tracks"))
    assert (file.metadata.sample, file.metadata.label, file.metadata.selection) == ("out", 0, {})
    expected = [
        build_images(one.towers, one.tracks, grid, ("em", "had", "tracks"))[0] for one in events
    ]
    assert np.array_equal(file[:], np.concatenate(expected))
    assert np.isnan(file.metadata.cross_section_pb)
    assert re.search(r"^20 of 20 events, [\d,]+ events/s$", stderr, flags=re.MULTILINE)
    # total energy of the towers = images + overflow
    total = sum(ak.to_numpy(ak.flatten(one.towers.e_em)).sum(dtype=np.float64) for one in events)
    assert file[:][:, 0].sum(dtype=np.float64) + file.events["overflow"][
        :, 0
    ].sum() == pytest.approx(total, rel=1e-5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.root", "b.root", "out.h5"]


def test_two_processes_give_what_one_gives(tmp_path):
    paths = [write_small(tmp_path / f"{seed}.root", 15 + seed, seed=seed)[0] for seed in (1, 2, 3)]
    options = (*SMALL, "--sample", "qcd")
    one = succeed("images", *paths, "-o", tmp_path / "one.h5", *options)
    two, _ = run_process("images", *paths, "-o", tmp_path / "two.h5", *options, "--processes", 2)
    assert stored(one, "events") == stored(two, "events") == "51"
    files = [ImageFile(tmp_path / name) for name in ("one.h5", "two.h5")]
    assert np.array_equal(files[0][:], files[1][:])
    assert files[0].metadata == files[1].metadata
    assert set(files[0].events) == set(files[1].events)
    for name, values in files[0].events.items():
        assert np.array_equal(values, files[1].events[name]), name
