"""The installed wheel without extras: ROOT file to image file on the command line and in Python,
and no torch.

Run by `make wheel` with the Python of an environment that holds nothing but the wheel and what it
asks for.
"""

import subprocess
import sys
import tempfile
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path

import awkward as ak
import numpy as np
import uproot

SCHEMA = """\
tree: events
towers: {eta: tower_eta, phi: tower_phi, e_em: tower_em, e_had: tower_had}
tracks: {pt: track_pt, eta: track_eta, phi: track_phi}
"""
ARRAYS = {
    "tower_eta": ak.Array([[0.1, -1.2], [], [2.0]]),
    "tower_phi": ak.Array([[3.1, 0.4], [], [-3.1]]),
    "tower_em": ak.Array([[50.0, 20.0], [], [80.0]]),
    "tower_had": ak.Array([[0.0, 5.0], [], [1.0]]),
    "track_pt": ak.Array([[1.0], [2.0, 3.0], []]),
    "track_eta": ak.Array([[0.1], [2.4, 0.0], []]),
    "track_phi": ak.Array([[3.14], [-3.14, 0.0], []]),
}


def calovision(*arguments: str, status: int = 0) -> str:
    """Run the command beside this Python; what it prints."""
    command = [str(Path(sys.executable).with_name("calovision")), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status, (
        f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    )
    return done.stdout + done.stderr


def check_builder(folder: Path) -> None:
    """Make images of a ROOT file, and look at their sums."""
    ntuple, schema, images = folder / "a.root", folder / "schema.yaml", folder / "a.h5"
    schema.write_text(SCHEMA)
    with uproot.recreate(ntuple) as file:
        file.mktree("events", {name: array.type.content for name, array in ARRAYS.items()}).extend(
            ARRAYS
        )
    calovision("inspect", str(ntuple), "--schema", str(schema))
    calovision(
        "images",
        str(ntuple),
        "-o",
        str(images),
        "--schema",
        str(schema),
        "--no-selection",
        "--channels",
        "em,had,tracks",
    )
    assert "3" in calovision("inspect", str(images))
    calovision("export", str(images), "-o", str(folder / "dense.h5"))

    from calovision import ImageFile

    sums = ImageFile(images).dense(np.arange(3)).sum(axis=(2, 3))
    np.testing.assert_allclose(sums, [[70, 5, 1], [0, 0, 2], [80, 1, 0]], rtol=1e-6)


def check_extras() -> None:
    """See that networks are not there, and that the sentence says what brings them."""
    assert find_spec("torch") is None
    assert find_spec("snakemake") is None
    assert 'pip install "calovision[train]"' in calovision("models", status=1)
    assert any(str(file).endswith("FORMAT.md") for file in distribution("calovision").files)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        check_builder(Path(folder))
    check_extras()
    print("the wheel works without extras")
