"""Disks that are really full: small ones in memory, mounted by root; elsewhere these tests are
skipped."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import make_images, write_image_file
from fakes_cli import SMALL, write_small
from fakes_models import make_trained

from calovision.models import save_model

TESTS = Path(__file__).parent
START = f"import sys; sys.path.insert(0, {str(TESTS)!r})\n"


@pytest.fixture
def small_disk(request, tmp_path):
    """A disk with room for so many kilobytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={request.param}k", "calovision", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("no disk can be mounted here: the tests of full ones need root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def run(program, *arguments):
    """What a program prints that runs in a process of its own, whose end counts too: HDF5 crashes
    only then."""
    line = [sys.executable, "-c", START + program, *map(str, arguments)]
    result = subprocess.run(line, capture_output=True, text=True)
    assert result.returncode == 0, (result.returncode, result.stderr[-2000:])
    return result.stdout.splitlines()


COMMANDS = """
import json
from fakes_cli import run
for line in json.loads(sys.argv[1]):
    result = run(*line)
    print(result.exit_code, result.stderr.splitlines()[-1] if result.stderr else result.output)
"""


@pytest.mark.parametrize("small_disk", [64, 512], indirect=True)
def test_commands(small_disk, tmp_path):
    """Refused where the file is made, and in the midst of its content."""
    images = str(write_image_file(tmp_path / "a.h5", images=make_images(3000, (2, 16, 16))))
    ntuple, _, _ = write_small(tmp_path / "a.root", 20_000)
    save_model(tmp_path / "model", make_trained((2, 16, 16)))
    output = str(small_disk / "out.h5")
    lines = [
        ("export", images, "-o", output),
        ("export", images, "-o", output, "--compression", "none"),
        ("score", str(tmp_path / "model"), *[images] * 12, "-o", output),
        ("images", str(ntuple), "-o", output, *SMALL),
        ("images", str(ntuple), "-o", output, *SMALL, "--compression", "blosc2"),
    ]
    found = run(COMMANDS, json.dumps(lines))
    sentence = (
        f"1 calovision: {output} cannot be written, as the disk is full: make room, or "
        "choose a folder on"
    )
    assert [text.startswith(sentence) for text in found] == [True] * 5, found
    assert list(small_disk.iterdir()) == []


LIBRARY = """
from pathlib import Path
import numpy as np
from matplotlib.figure import Figure
from fakes import make_images, write_image_file
from fakes_models import make_trained
from calovision.jobs.atomic import replaced
from calovision.core.errors import InputError
from calovision.models import save_model
from calovision.plotting import save_figure
from calovision.storage import write_table

def write_text(path):
    with replaced(path) as temporary:
        temporary.write_text("x" * 2**20)

folder, figure = Path(sys.argv[1]), Figure()
figure.subplots().pcolormesh(np.random.default_rng(1).random((200, 200)))
columns = {"x": np.arange(2**17), "y": np.array(["text"] * 2**14)}
writers = {
    "a.h5": lambda path: write_image_file(path, images=make_images(3000, (2, 16, 16))),
    "t.h5": lambda path: write_table(path, columns),
    "model/model.safetensors": lambda path: save_model(path.parent, make_trained((2, 16, 16))),
    "figure.pdf": lambda path: save_figure(figure, path.with_suffix("")),
    "report.txt": write_text,
}
for name, write in writers.items():
    try:
        write(folder / name)
    except InputError as error:
        beginning = f"{folder / name} cannot be written, as the disk is full"
        print(name, str(error).startswith(beginning))
"""


@pytest.mark.parametrize("small_disk", [16], indirect=True)
def test_writers_of_the_library(small_disk):
    names = ("a.h5", "t.h5", "model/model.safetensors", "figure.pdf", "report.txt")
    assert run(LIBRARY, small_disk) == [f"{name} True" for name in names]
    assert [path for path in small_disk.rglob("*") if path.is_file()] == []
