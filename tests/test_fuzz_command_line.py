"""Commands with random words: done, or refused by one sentence, and no file half written."""

import os
import re
import shutil
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
import typer
from conftest import REPOSITORY
from fakes import make_images, write_two_samples
from fakes_cli import run, succeed, write_small
from fakes_maps import make_maps
from fakes_models import make_trained
from fakes_particles import energyflow_array, toptag_columns, write_frame
from hostile import LEAKS, TEXTS, assert_is_sentence, cases
from hypothesis import given
from hypothesis import strategies as st

from calovision.cli import app
from calovision.models import save_model
from calovision.monitoring.run_map_file import write_run_maps

CELLS = "--grid 8x8 --channels em,tracks"
LINES = (
    f"images a.root -o new.h5 {CELLS}",
    f"images a.root b.root -o new.h5 {CELLS} --label 1 --sample qcd --split-seed 2",
    "images a.root -o new.h5 --jets --grid 8x8 --jets-per-event 2 --radius 0.8",
    "init new --signal a.root --background qcd=b.root --cross-section signal=2",
    "init new a.root b.root --label x=tracks_pt --label y=weight --jets --farm slurm",
    "inspect a.root",
    "inspect a.root --branches *",
    "inspect a.root --suggest new.yaml",
    "inspect a.h5 --event 1 --png new.png",
    "export a.h5 -o new.h5",
    "import dense.h5 -o out --images images --label 1",
    "import-hepcnn hep.h5 -o out --luminosity 36 --split test",
    "import-particles jets.npy -o new.h5 --layout energyflow --grid 8x8",
    "import-toptag top.h5 -o new.h5 --grid 8x8",
    "models small --grid 8x8 --channels 2",
    "score model a.h5 b.h5 -o scores.h5",
    "score model a.h5 -o new.csv --split all --rotations 1",
    "plan my.yaml --cores 4",
    "status results",
    f"monitor maps a.root -o new.h5 {CELLS} --run event_number --threshold em=0.5",
    "monitor reference maps.h5 -o new.h5 --good 1-4",
    "monitor check maps.h5 -r reference.h5 -o new.json --min-events 10",
    "monitor mask flags.json -o new.json --min-runs 1",
    "train a.h5 b.h5 -o out --epochs 0 --option width=2 --device cpu --threads 1",
    "onnx model -o new.onnx --rotations -1",
)
"""A command of each kind, most of them right."""

FILES = (
    *("a.root", "b.root", "cut.root", "a.h5", "b.h5", "cut.h5", "maps.h5", "reference.h5"),
    *("dense.h5", "jets.npy", "top.h5", "model", "results", "folder", "empty", "noise"),
    *(
        "my.yaml",
        "flags.json",
        "files.txt",
        "runs.txt",
        "missing.root",
        "*.root",
        "*.h5",
        "a.root:x",
    ),
)
WORDS = (
    *(
        "0",
        "1",
        "2",
        "-1",
        "0.5",
        "1e3",
        "nan",
        "-inf",
        "1e999",
        "9" * 30,
        "0x1",
        "",
        "None",
        "true",
    ),
    *(
        "8x8",
        "0x8",
        "-8x8",
        "99999x99999",
        "8",
        "x",
        "1-3",
        "3-1",
        "-",
        ",",
        "a,b",
        "a=1",
        "=",
        "1,2",
    ),
    *(
        "em",
        "em,em",
        "em,tracks",
        "test",
        "all",
        "ht > 0",
        "ht",
        "x=ht + 1",
        "x=x",
        "signal=ht > 1",
    ),
    *(
        "event_number",
        "file",
        "delphes",
        "calovision",
        "s.yaml",
        "top",
        "w",
        "small",
        "resnet",
        "mean",
    ),
    *("0.5,0.1,0.4", "1,0,0", "0,0,0", "-1,1,1", "zero", "neighbours", "cpu", "gpu", "root", "csv"),
    # stays in its folder; of bytes that are no UTF-8, a command gets the second half of surrogates
    *(
        text.replace("\ud800", "\udcff")
        for text in TEXTS
        if "/" not in text and not text.startswith("~")
    ),
)
FEW = ("0", "1", "-1", "nan", "x")
"""Words for numbers that are those of processes, epochs and so on."""


def options_of(group, words=()):
    """Names of the options of each command, by its words."""
    if hasattr(group, "commands"):
        found = {}
        for name, command in group.commands.items():
            found |= options_of(command, (*words, name))
        return found
    options = [one for one in group.params if one.param_type_name == "option"]
    return {words: [name for one in options for name in (*one.opts, *one.secondary_opts)]}


OPTIONS = options_of(typer.main.get_command(app))
OF_MACHINE = ("--processes", "--epochs", "--threads", "--n-devices", "--n-nodes", "--folds")


@st.composite
def lines(draw):
    """A line of `LINES` with one to four words changed, added or gone."""
    line = draw(st.sampled_from(LINES)).split()
    names = OPTIONS.get(tuple(line[:1])) or OPTIONS[tuple(line[:2])]
    head = 1 if tuple(line[:1]) in OPTIONS else 2
    for _ in range(draw(st.integers(1, 4))):
        how = draw(st.sampled_from(["option", "option", "word", "word", "gone", "twice", "flag"]))
        place = draw(st.integers(head, max(head, len(line) - 1)))
        word = draw(st.sampled_from([*FILES, *WORDS]))
        if how == "option":
            name = draw(st.sampled_from(names))
            few = name in OF_MACHINE
            line += [name, draw(st.sampled_from(FEW)) if few else word]
        elif how == "flag":
            line.insert(place, draw(st.sampled_from(names)))
        elif how == "twice":
            line += line[place : place + 2]
        elif how == "gone":
            del line[place : place + 1]
        elif line[place - 1] not in OF_MACHINE:
            line[place : place + 1] = [word]
    pairs = pairwise(line)
    is_free = any(name in OF_MACHINE and value not in FEW for name, value in pairs)
    return [line[0]] if is_free and line[0] != "train" else line


@pytest.fixture(scope="module")
def right(tmp_path_factory):
    """Folder of small files of every kind, in which the commands work."""
    folder = tmp_path_factory.mktemp("right")
    before = Path.cwd()
    os.chdir(folder)
    write_small("a.root", 6, seed=1)
    write_small("b.root", 4, seed=2)
    signal, background = write_two_samples(folder, n_events=12)
    signal.rename("a.h5"), background.rename("b.h5")
    write_run_maps(Path("maps.h5"), make_maps(6, n_events=100))
    succeed("monitor", "reference", "maps.h5", "-o", "reference.h5")
    succeed(
        "monitor", "check", "maps.h5", "-r", "reference.h5", "-o", "flags.json", "--min-events", 9
    )
    save_model(folder / "model", make_trained())
    np.save("jets.npy", energyflow_array())
    write_frame("top.h5", toptag_columns(6))
    with h5py.File("dense.h5", "w") as file:
        file["images"], file["labels"] = np.ceil(make_images(4)), np.arange(4) % 2
    with h5py.File("hep.h5", "w") as file:
        for name in ("hist", "histEM", "histtrack"):
            file[f"all_events/{name}"] = np.ceil(make_images(4, (8, 8)))
        file["all_events/y"], file["all_events/weight"] = np.arange(4) % 2, np.ones(4)
    for name in ("a.root", "a.h5"):
        Path(f"cut.{name[2:]}").write_bytes(Path(name).read_bytes()[:-700])
    Path("folder").mkdir()
    Path("results").mkdir()
    Path("empty").write_bytes(b"")
    Path("noise").write_bytes(bytes(range(256)) * 9)
    Path("files.txt").write_text("a.root\nb.root 4\n")
    Path("runs.txt").write_text("1\n2-4 # good\n")
    shutil.copy(REPOSITORY / "config" / "test.yaml", "my.yaml")
    os.chdir(before)
    return folder


def state(folder):
    """Size and time of change of every file."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_size)
        for path in folder.rglob("*")
        if not path.is_dir()
    }


def restore(right, folder):
    """Put the files of the right folder in place of what changed."""
    shutil.rmtree(folder)
    shutil.copytree(right, folder)


@pytest.fixture(scope="module")
def work(right, tmp_path_factory):
    """Working folder, a copy of the right one."""
    folder = tmp_path_factory.mktemp("fuzz") / "work"
    shutil.copytree(right, folder)
    before = Path.cwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


def assert_one_sentence(result, line):
    """What a command printed and how it ended."""
    assert result.exception is None or isinstance(result.exception, SystemExit), (
        line,
        result.exception,
    )
    assert result.exit_code in (0, 1, 2), line
    assert "Traceback" not in result.output, line
    if result.exit_code == 1:
        said = [one for one in result.stderr.splitlines() if one.strip()]
        assert all(one.startswith("calovision: ") for one in said), (line, result.stderr)
        sentence = said[-1].removeprefix("calovision: ")
        for word in line:
            if len(word) > 255:  # a path may be that long, and is named whole
                sentence = sentence.replace(word, word[:255])
        assert_is_sentence(sentence)
    if result.exit_code == 2:
        assert not any(leak in result.stderr for leak in LEAKS), (line, result.stderr)


@cases(100)
@given(line=lines())
def test_random_lines(right, work, line):
    before = state(work)
    os.chdir(work)
    result = run(*line)
    assert_one_sentence(result, line)
    after = state(work)
    if after != before:
        changed = {name for name in after if after[name] != before.get(name)}
        try:
            assert result.exit_code == 0, (line, changed, result.output)
            assert not before.keys() - after.keys(), line
            assert not any(re.search(r"\.tmp|\.part|~$", name) for name in changed), (line, changed)
            for name in changed:
                if name.endswith(".h5"):
                    with h5py.File(name) as file:
                        assert len(file)
        finally:
            os.chdir("..")
            restore(right, work)
            os.chdir(work)
