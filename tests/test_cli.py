"""The command line: start, messages, export and import."""

import json
import logging
import subprocess
import sys
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
import typer
from fakes import make_images, write_image_file
from fakes_cli import fail, fail_usage, succeed
from typer.testing import CliRunner

from calovision.cli import app
from calovision.cli.messages import OneSentenceGroup
from calovision.core.errors import InputError
from calovision.storage import ImageCollection, ImageFile

HEAVY = ("torch", "matplotlib", "uproot", "awkward", "numba", "h5py", "numpy", "yaml")


def test_help_and_version_start_light():
    program = (
        "import json, sys\nfrom calovision.cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit as end:\n    code = end.code\n"
        "print(json.dumps([code, sorted(sys.modules)]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    code, loaded = json.loads(result.stdout.splitlines()[-1])
    assert code == 0
    assert [name for name in HEAVY if name in loaded] == []
    assert all(
        command in result.stdout for command in ("images", "export", "score", "onnx", "--version")
    )
    from importlib.metadata import version

    assert succeed("--version") == f"calovision {version('calovision')}\n"


def test_as_a_module():
    result = subprocess.run(
        [sys.executable, "-m", "calovision.cli", "inspect", "/none.root"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert (
        result.stderr
        == "calovision: /none.root: no such file; give the path of an existing ROOT file\n"
    )


def test_every_command_and_option_is_explained():
    commands = typer.main.get_command(app).commands
    names = {
        "account",
        "images",
        "init",
        "inspect",
        "export",
        "import",
        "import-hepcnn",
        "import-particles",
        "import-toptag",
        "models",
        "monitor",
        "score",
        "onnx",
        "plan",
        "status",
        "train",
        "verify",
    }
    assert set(commands) == names
    commands |= {f"monitor {name}": one for name, one in commands["monitor"].commands.items()}
    for command in commands.values():
        assert command.help
        assert [option.name for option in command.params if not option.help] == []


@pytest.fixture
def small_app():
    """An app with the commands ``bad``, ``defect``, ``disk`` and ``warn``."""
    small = typer.Typer(cls=OneSentenceGroup, pretty_exceptions_enable=False)

    @small.command()
    def bad():
        raise InputError("a.root: one sentence")

    @small.command()
    def defect():
        raise KeyError("x")

    @small.command()
    def disk():
        Path("/none/out.h5").write_text("")

    @small.command()
    def warn():
        warnings.warn("from a library", stacklevel=1)
        logging.getLogger("calovision.conversion").warning("%s: odd", "a.root")
        logging.getLogger("calovision.conversion").info("quiet")
        logging.getLogger("other").warning("not ours")

    return small


def test_bad_input_is_one_sentence_and_a_defect_a_traceback(small_app):
    runner = CliRunner()
    result = runner.invoke(small_app, ["bad"])
    assert (result.exit_code, result.stderr) == (1, "calovision: a.root: one sentence\n")
    result = runner.invoke(small_app, ["disk"])
    assert (result.exit_code, result.stderr) == (
        1,
        "calovision: /none/out.h5: No such file or directory\n",
    )
    assert isinstance(runner.invoke(small_app, ["defect"]).exception, KeyError)


@pytest.mark.filterwarnings("default")
def test_warnings_are_shown_and_the_settings_come_back(small_app):
    before = (
        warnings.showwarning,
        warnings.formatwarning,
        list(logging.getLogger("calovision").handlers),
    )
    result = CliRunner().invoke(small_app, ["warn"])
    assert result.exit_code == 0
    assert "calovision: warning: from a library\n" in result.stderr
    assert "calovision: warning: a.root: odd\n" in result.stderr
    assert "quiet" not in result.stderr
    assert "calovision: warning: not ours" not in result.stderr
    after = (
        warnings.showwarning,
        warnings.formatwarning,
        list(logging.getLogger("calovision").handlers),
    )
    assert after == before


@pytest.mark.parametrize("compression", ["gzip", "none", "lz4"])
def test_export_gives_the_dense_images(tmp_path, compression):
    images = [make_images(7, seed=1), make_images(5, seed=2)]
    files = [write_image_file(tmp_path / f"{n}.h5", images=part) for n, part in enumerate(images)]
    output = tmp_path / "dense.h5"
    text = succeed("export", *files, "-o", output, "--compression", compression)
    assert text == f"{output}: 12 dense images, {output.stat().st_size / 1e6:.1f} MB\n"
    with h5py.File(output) as file:
        assert np.array_equal(file["images"][:], np.concatenate(images))
        assert (file["images"].compression == "gzip") == (compression == "gzip")


def test_export_does_not_overwrite(tmp_path):
    file, output = write_image_file(tmp_path / "a.h5"), tmp_path / "dense.h5"
    output.write_text("precious")
    assert "exists already" in fail("export", file, "-o", output)
    assert output.read_text() == "precious"
    succeed("export", file, "-o", output, "--force")
    assert h5py.is_hdf5(output)
    assert "is a directory" in fail("export", file, "-o", tmp_path)
    assert "no such image file" in fail("export", tmp_path / "none.h5", "-o", tmp_path / "b.h5")
    assert not (tmp_path / "b.h5").exists()


def test_import_of_hep_cnn_files(tmp_path):
    rng = np.random.default_rng(1)
    images = {
        name: rng.exponential(1.0, (6, 8, 8)).astype("f4")
        for name in ("hist", "histEM", "histtrack")
    }
    with h5py.File(tmp_path / "train.h5", "w") as file:
        for name, values in images.items():
            file[f"all_events/{name}"] = values
        file["all_events/y"] = np.array([0, 1, 0, 0, 1, 0])
        file["all_events/weight"] = np.full(6, 0.5)
    text = succeed("import-hepcnn", tmp_path / "train.h5", "-o", tmp_path / "images")
    assert sorted(line.split(": ")[1] for line in text.splitlines()) == [
        "2 images, label 1",
        "4 images, label 0",
    ]
    assert len(list((tmp_path / "images").glob("*.h5"))) == 2
    assert "already" in fail("import-hepcnn", tmp_path / "train.h5", "-o", tmp_path / "images")
    succeed(
        "import-hepcnn",
        tmp_path / "train.h5",
        "-o",
        tmp_path / "images",
        "--force",
        "--luminosity",
        10,
    )
    collection = ImageCollection(sorted((tmp_path / "images").glob("*.h5")))
    assert collection.event_weights(10.0) == pytest.approx(np.full(6, 0.5))
    succeed("import-hepcnn", tmp_path / "train.h5", "-o", tmp_path / "images", "--split", "test")
    assert {"background_test.h5", "signal_test.h5"} < {
        path.name for path in (tmp_path / "images").iterdir()
    }
    assert ImageFile(tmp_path / "images" / "signal_test.h5").events["split"].tolist() == [2, 2]
    assert "train.root" in fail("import-hepcnn", tmp_path / "train.root", "-o", tmp_path / "other")


def test_usage_errors():
    assert "No such command 'image'" in fail_usage("image")
    assert "Missing option '--output'" in fail_usage("images", "a.root")
    assert "Missing argument 'FILES'" in fail_usage("export", "-o", "a.h5")
