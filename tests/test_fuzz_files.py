"""Files of every kind with bytes or values changed: read, or refused by one sentence that names the
file."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY
from fakes import write_image_file
from fakes_cli import succeed
from fakes_maps import make_maps
from fakes_models import make_trained
from fakes_runs import entry, start
from hostile import mutated, right_or_refused
from hypothesis import given
from hypothesis import strategies as st

from calovision.core.digests import sealed
from calovision.core.errors import InputError
from calovision.core.run_lists import RunList
from calovision.evaluation.records import read_history, read_model_numbers
from calovision.evaluation.results import (
    CutComparison,
    Diagnostics,
    ModelComparison,
    Reach,
    Robustness,
    SamplesSummary,
    Summary,
)
from calovision.images.mask_file import read_mask, write_mask
from calovision.images.masks import DeadRegion, Mask
from calovision.jobs.planning import read_rates
from calovision.jobs.run_summary import read_run
from calovision.models import load_model, save_model
from calovision.monitoring.flags import RunFlags
from calovision.monitoring.reference import Reference
from calovision.monitoring.run_map_file import RunMapFile, write_run_maps
from calovision.storage import (
    ImageCollection,
    ImageFile,
    read_file_list,
    read_scores,
    write_file_list,
    write_scores,
)

DATA = REPOSITORY / "tests" / "data"


def images_in(path):
    """All numbers of an image file."""
    file = ImageFile(path)
    columns = {name: file.events[name].tolist() for name in file.events}
    return file.dense(np.arange(len(file))).tolist(), columns, str(file.metadata)


def maps_in(path):
    """All numbers of a file of run maps."""
    file = RunMapFile(path)
    maps = file[:]
    return maps.run.tolist(), maps.occupancy.tolist(), maps.total.tolist(), str(file.origin)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A right file of every kind, and what reads it."""
    folder = tmp_path_factory.mktemp("files")
    collection = ImageCollection([write_image_file(folder / "images.h5", n_events=8)])
    rows = np.arange(8)
    write_scores(folder / "scores.h5", collection, rows, np.linspace(-1, 1, 8))
    write_run_maps(folder / "maps.h5", make_maps(4, n_events=100))
    Reference.of(RunMapFile(folder / "maps.h5")).save(folder / "reference.h5")
    options = ("-r", folder / "reference.h5", "-o", folder / "flags.json", "--min-events", 9)
    succeed("monitor", "check", folder / "maps.h5", *options)
    save_model(folder / "model", make_trained())
    start(folder, [entry("build", "a", folder=folder, outputs=["a.h5"])])
    write_mask(folder / "mask.json", Mask((DeadRegion((0.0, 0.5), (1.0, 2.0), reason="dead"),)))
    write_file_list(folder / "images.tsv", [folder / "images.h5"])
    (folder / "runs.txt").write_text("1\n2-4 # good\n7-\n")
    (folder / "history.csv").write_text("epoch,train_loss,validation_loss\n0,0.5,0.6\n1,0.4,0.5\n")
    shutil.copy(DATA / "version1_qcd.h5", folder / "version1.h5")
    shutil.copy(DATA / "version1_blosc2.h5", folder / "blosc2.h5")
    return {
        "images.h5": images_in,
        "version1.h5": images_in,
        "blosc2.h5": images_in,
        "scores.h5": lambda path: read_scores(path, collection, rows).tolist(),
        "maps.h5": maps_in,
        "reference.h5": lambda path: str(vars(Reference.load(path))),
        "model/model.json": lambda path: str(load_model(path.parent).specification),
        "model/model.safetensors": lambda path: [
            one.sum().item() for one in load_model(path.parent).state_dict().values()
        ],
        "mask.json": lambda path: read_mask(path).to_dict(),
        "images.tsv": lambda path: [str(one) for one in read_file_list(path)],
        "runs.txt": lambda path: RunList.read([str(path)], "good").ranges,
        "history.csv": lambda path: {
            name: one.tolist() for name, one in read_history(path).items()
        },
    }, folder


CHECKED = (
    *("images.h5", "scores.h5", "maps.h5", "reference.h5"),
    *("model/model.json", "model/model.safetensors"),
)
"""Files with checksums of everything: what is read of a changed one is what was in it."""
NAMES = (
    *("images.h5", "version1.h5", "blosc2.h5", "scores.h5", "maps.h5", "reference.h5"),
    *("model/model.json", "model/model.safetensors", "mask.json", "images.tsv", "runs.txt"),
    "history.csv",
)
PARTS = st.sampled_from(
    (b"", b"\0", b"\xff" * 8, b"\0" * 64, b"NaN", b"1e999", b"\n", b'"', b"{", b"[" * 2000, b"\xc3")
) | st.binary(max_size=9)


@st.composite
def spoiled(draw, content):
    """Bytes with one to three stretches that are flipped, other ones, gone, twice, or the last."""
    for _ in range(draw(st.integers(1, 3))):
        first = draw(st.integers(0, len(content)))
        length = draw(st.sampled_from([0, 1, 1, 1, 8, 100]))
        part = content[first : first + length]
        how = draw(st.sampled_from(["bit", "bit", "other", "gone", "twice", "end"]))
        if how == "bit" and part:
            new = bytes([part[0] ^ (1 << draw(st.integers(0, 7)))]) + part[1:]
        elif how == "end":
            return content[:first]
        else:
            new = {"gone": b"", "twice": 2 * part}.get(how)
            new = draw(PARTS) if new is None else new
        content = content[:first] + new + content[first + length :]
    return content


@given(data=st.data(), name=st.sampled_from(NAMES))
def test_changed_bytes(files, tmp_path_factory, data, name):
    readers, right = files
    folder = tmp_path_factory.getbasetemp() / "spoiled"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(right / "model", folder / "model")
    content = data.draw(spoiled((right / name).read_bytes()))
    (folder / name).write_bytes(content)
    found = right_or_refused(readers[name], folder / name)
    if isinstance(found, InputError):
        assert Path(name).name in str(found) or name == "images.tsv" or "model" in str(found), found
    elif name in CHECKED:
        assert found == readers[name](right / name)


JSONS = {
    "mask.json": read_mask,
    "model/model.json": lambda path: load_model(path.parent),
    "numbers of model.json": read_model_numbers,
    "flags.json": RunFlags.read,
    "summary.json": Summary.read,
    "samples.json": SamplesSummary.read,
    "models.json": ModelComparison.read,
    "diagnostics.json": Diagnostics.read,
    "reach.json": Reach.read,
    "robustness.json": Robustness.read,
    "comparison.json": CutComparison.read,
    "jobs.json": lambda path: read_run(path.parent.parent),
    "rates.json": read_rates,
}


@pytest.fixture(scope="module")
def contents(files):
    """Values of right files of JSON, by name; of some none."""
    _, right = files
    found = {name: {} for name in JSONS}
    for path in (DATA / "results").glob("*.json"):
        found[path.name] = json.loads(path.read_text())
    for name in ("mask.json", "model/model.json"):
        found[name] = json.loads((right / name).read_text())
    found["numbers of model.json"] = found["model/model.json"]
    found["flags.json"] = json.loads((right / "flags.json").read_text())
    found["jobs.json"] = json.loads((right / "run" / "jobs.json").read_text())
    return found


def place(right, folder, name):
    """Where a file of JSON lies among the others that its reader wants."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for other in ("model", "run"):
        shutil.copytree(right / other, folder / other)
    other = {"jobs.json": "run/jobs.json", "numbers of model.json": "model/model.json"}
    return folder / other.get(name, name)


@given(data=st.data(), name=st.sampled_from(sorted(JSONS)))
def test_changed_values(files, contents, tmp_path_factory, data, name):
    file = place(files[1], tmp_path_factory.getbasetemp() / "changed", name)
    content = mutated(data.draw, contents[name])
    is_sealed = name.endswith("model.json") and isinstance(content, dict)
    content = sealed(content) if is_sealed and data.draw(st.booleans()) else content
    file.write_text(json.dumps(content))
    found = right_or_refused(JSONS[name], file)
    if isinstance(found, InputError):
        assert file.name in str(found) or "model" in str(found), found


TEXTS = {
    "nested": "[" * 100_000,
    "nested mappings": '{"a":' * 100_000,
    "no text": "\udcff{",
    "long number": '{"version": ' + "9" * 5000 + "}",
    "nothing": "",
    "null": "null",
    "list": "[]",
    "truth": "true",
    "number": "NaN",
    "text": '"text"',
}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", JSONS)
def test_other_json(files, tmp_path, name, text):
    file = place(files[1], tmp_path / "other", name)
    file.write_text(TEXTS[text], errors="surrogateescape")
    found = right_or_refused(JSONS[name], file)
    assert isinstance(found, InputError)
    assert file.name in str(found)


@pytest.mark.parametrize("name", JSONS)
def test_missing_json(files, tmp_path, name):
    file = place(files[1], tmp_path / "other", name)
    file.unlink(missing_ok=True)
    found = right_or_refused(JSONS[name], file)
    assert isinstance(found, InputError)
    assert file.name in str(found)


@pytest.mark.parametrize("content", [b"\xe5poch,a\n0,1\n", b"epoch,a\n0,\0\n", None])
def test_history_that_is_no_text(tmp_path, content):
    path = tmp_path / "history.csv"
    if content is not None:
        path.write_bytes(content)
    found = right_or_refused(read_history, path)
    wanted = (
        r"history\.csv: (no history of a training can be read|a line of the history is damaged)"
    )
    assert re.search(wanted, str(found))
