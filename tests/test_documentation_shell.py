"""Commands of the README and of the documentation that run: each page in a folder of small files
that have the names it uses.
"""

import json
import shlex
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from fakes import make_events, write_image_file
from fakes_cli import succeed, write_small
from fakes_models import make_trained
from fakes_monitoring import make_flags
from fakes_ntuples import jetclass_columns, write_file
from fakes_particles import energyflow_array, jetnet_arrays, toptag_columns, write_frame
from fakes_runs import entry, start
from pages import REPOSITORY, blocks, split_at

from calovision.conversion import ImageRecipe, StoredRecipe
from calovision.images.grid import EtaPhiGrid
from calovision.models import save_model

PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in REPOSITORY.glob("docs/*.md"))]
LATER = ("inspect", "verify", "account", "export")
"""Commands that read what others of their page write, and may stand before them."""
ELSEWHERE = {
    "plan": "tests/test_planning.py, with a run whose times it reads",
    "train": "tests/test_documentation_blocks.py, tests/test_cli_train.py",
}


def commands(page):
    """Words of the commands of calovision on a page, with the files that patterns stand for, in an
    order in which they can run.
    """
    found = []
    for text, _ in blocks("bash", page):
        for line in text.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            found += [rest for name, *rest in split_at(words, {"&&"}) if name == "calovision"]
    return sorted(found, key=lambda words: words[0] in LATER)


def expanded(words):
    """Words with the files in place of patterns, as a shell gives them; below this folder."""
    return [
        name
        for word in words
        for name in (sorted(map(str, Path().glob(word.lstrip("/")))) if "*" in word else [])
        or [word]
    ]


def copy_delphes(delphes_dir, **names):
    """Genuine files under the names of the page."""
    for name, kind in names.items():
        path = Path(name.replace("_", "/") + ".root")
        path.parent.mkdir(parents=True, exist_ok=True)
        (source,) = delphes_dir.glob(f"*{kind}ev_slim.root")
        shutil.copy(source, path)


def write_samples(*names):
    for seed, name in enumerate(names):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        write_small(Path(name), seed=seed + 1, first=100 * seed, n_generated=20)


def write_model_folder():
    recipe = ImageRecipe(grid=EtaPhiGrid(8, 8), channels=("em_et", "tracks"))
    save_model(
        Path("results/models/cnn/final"),
        make_trained(),
        recipe=StoredRecipe(recipe).to_dict(),
    )


def files_of_new_analysis(_):
    write_samples(*(f"data/{name}.root" for name in ("sig_1", "sig_2", "qcd_1", "tt_1")))
    write_samples(*(f"data/{name}.root" for name in ("qcd", "w", "top")))
    Path("data/jetclass").mkdir()
    write_file(Path("data/jetclass/a.root"), tree=jetclass_columns())


def files_of_own_files(_):
    write_samples("data/signal/a.root", "data/qcd/a.root")


def files_of_scoring(_):
    write_samples("data/a.root", "data/b.root")
    write_image_file(Path("out.h5"), n_events=6)
    write_model_folder()


def write_run(path, run, n_events=500):
    """Events of a run, whose number is a branch."""
    towers, tracks = make_events(n_events, seed=run)
    columns = {f"towers_{name}": towers[name] for name in ("eta", "phi", "e_em", "e_had")}
    columns |= {f"tracks_{name}": tracks[name] for name in ("pt", "eta", "phi")}
    numbers = {"event_number": np.arange(n_events), "run": np.full(n_events, run)}
    write_file(path, events=columns | numbers | {"weight": np.ones(n_events)})


def files_of_shift_crews(_):
    Path("data").mkdir()
    write_run(Path("data/run_362101.root"), 362101)
    good = [Path(f"{number}.root") for number in range(1, 7)]
    for number, path in enumerate(good):
        write_run(path, number)
    succeed("monitor", "maps", *good, "--run", "run", "--threshold", "0.5", "-o", "good.h5")
    succeed("monitor", "reference", "good.h5", "-o", "reference.h5")
    succeed("monitor", "check", "good.h5", "-r", "reference.h5", "-o", "known.json")


def files_of_dead_cells(_):
    flags = make_flags(*((run, "em_et", "dead", [(1, 2), (1, 3)]) for run in (5, 6, 7)))
    Path("flags.json").write_text(json.dumps(flags.to_json()))


def files_of_status(_):
    start(
        Path("results/study"), [entry("list_images", folder=Path("results/study"), outputs=["a"])]
    )


def files_of_without_snakemake(delphes_dir):
    kinds = {"a": "qcd300_pythia8_10", "b": "rpv*_10", "qcd_1": "qcd*_100", "signal_1": "rpv*_100"}
    copy_delphes(delphes_dir, **kinds)
    Path("signal.txt").write_text("signal/1.root\n")
    rng = np.random.default_rng(1)
    images = rng.exponential(1.0, (6, 3, 8, 8)).astype("f4")
    labels = np.array([0, 1, 0, 1, 1, 0])
    np.savez("theirs.npz", images=images, labels=labels, weights=np.ones(6))
    np.savez("QG_jets.npz", X=energyflow_array(), y=np.arange(12) % 2)
    particles, jets = jetnet_arrays()
    with h5py.File("t.hdf5", "w") as file:
        file["particle_features"], file["jet_features"] = particles, jets


def write_hepcnn():
    """Images of the reference data of another group, under the name that it gave them."""
    rng = np.random.default_rng(2)
    with h5py.File("train.h5", "w") as file:
        for name in ("hist", "histEM", "histtrack"):
            file[f"all_events/{name}"] = rng.exponential(1.0, (6, 8, 8)).astype("f4")
        file["all_events/y"] = np.array([0, 1, 0, 1, 1, 0])
        file["all_events/weight"] = np.full(6, 0.5)


def write_toptag():
    for name in ("train", "val", "test"):
        write_frame(Path(f"{name}.h5"), toptag_columns(4))


BEFORE = {"import-hepcnn": write_hepcnn, "import-toptag": write_toptag}
"""Files of commands that call different ones by the same name."""
FILES = {
    "README.md": lambda _: None,
    "docs/tutorial.md": lambda _: None,
    "docs/new_analysis.md": files_of_new_analysis,
    "docs/own_files.md": files_of_own_files,
    "docs/scoring.md": files_of_scoring,
    "docs/shift_crews.md": files_of_shift_crews,
    "docs/dead_cells.md": files_of_dead_cells,
    "docs/status.md": files_of_status,
    "docs/without_snakemake.md": files_of_without_snakemake,
}


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_a_page_run(page, tmp_path, monkeypatch, delphes_dir):
    to_run = [words for words in commands(page) if words[0] not in ELSEWHERE]
    if not to_run:
        return
    monkeypatch.chdir(tmp_path)
    FILES[page](delphes_dir)
    for words in to_run:
        BEFORE.get(words[0], lambda: None)()
        succeed(*expanded(words))
