"""Checkpoints of a run: files from which a killed run goes on, wherever its folder is now.

A checkpoint holds everything that the rest of the run needs, the weights of the best epoch
included, and no path. It begins with a line with the hash of the rest, which is what torch writes,
so that a damaged or half-written one is noticed, and the one before it is taken.
"""

import io
import logging
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from calovision.core.digests import sha256_of
from calovision.core.errors import InputError
from calovision.jobs.atomic import replaced

logger = logging.getLogger(__name__)

KEPT = 2  # the newest, and one to go on from if that is damaged
FINGERPRINT = "calovision_run"
_START = b"calovision-checkpoint 1 sha256 "
_HASH = 64  # characters
_NUMBER = re.compile(r"step(\d+)\.ckpt")


class ResumeFolder:
    """The folder of a run's checkpoints, which is there until the run is complete.

    Parameters
    ----------
    folder
        Its path.
    fingerprint
        Of the options and events of the run (`ImageData.fingerprint`); checkpoints of other runs
        are not used.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.path = Path(folder)
        self.fingerprint = fingerprint

    def prepare(self) -> Path | None:
        """Remove all but the checkpoints to go on from; return the newest of them, as `latest`."""
        latest = self.latest()
        if latest is None:
            self.remove()
        else:
            self.remove_others(self._found()[self._found().index(latest) :])
        return latest

    def latest(self) -> Path | None:
        """The newest checkpoint of this run that is whole, None if there is none; a warning names
        those passed over.
        """
        found = self._found()
        for number, path in enumerate(found, start=1):
            problem = _problem(path, self.fingerprint)
            if problem is None:
                return path
            instead = "the one before it is taken, if it is whole"
            if number == len(found):
                instead = "there is none before it, so the training begins anew"
            logger.warning("%s is not used: %s: %s", path, problem, instead)
        return None

    def last(self) -> Path:
        """The newest checkpoint.

        Raises
        ------
        InputError
            If it is gone or damaged, or of another run.
        """
        found = self._found()
        problem = _problem(found[0], self.fingerprint) if found else "it is gone"
        if problem is not None:
            raise InputError(
                f"{found[0] if found else self.path}: the checkpoint of the last epoch cannot be "
                f"read, {problem}: train again, which goes on from the one before if there is one"
            )
        return found[0]

    def path_at(self, step: int) -> Path:
        """Name of the checkpoint after a step; later steps have names that come later."""
        return self.path / f"step{step:010d}.ckpt"

    def prune(self) -> None:
        """Remove all checkpoints but the newest two."""
        for path in self._found()[KEPT:]:
            path.unlink(missing_ok=True)

    def remove_others(self, kept: list[Path]) -> None:
        """Remove everything else in the folder."""
        for path in set(self.path.iterdir()) - set(kept):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(
                missing_ok=True
            )

    def remove(self) -> None:
        """Remove it with all checkpoints."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _found(self) -> list[Path]:
        """Checkpoints, the newest first, without those that are being written. Copying a folder may
        change all times, so that these say nothing.
        """
        complete = (path for path in self.path.glob("*.ckpt") if not path.name.startswith("."))
        numbers = {path: _NUMBER.fullmatch(path.name) for path in complete}
        return sorted(
            numbers, key=lambda path: int(numbers[path][1]) if numbers[path] else -1, reverse=True
        )


class WholeCheckpoints(TorchCheckpointIO):
    """Files of Lightning's checkpoints that are complete or not there."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: object = None
    ) -> None:
        """Write beside the path, then rename; InputError if the disk is full."""
        content = io.BytesIO()  # written to a file at once, torch hides that the disk is full
        torch.save(checkpoint, content)
        digest = sha256_of(content.getbuffer()).encode()
        with replaced(Path(path)) as temporary:
            temporary.write_bytes(b"".join([_START, digest, b"\n", content.getbuffer()]))

    def load_checkpoint(
        self, path: str | Path, map_location: object = "cpu", weights_only: bool | None = True
    ) -> dict[str, Any]:
        """Content of a checkpoint; of a damaged one an error."""
        return _loaded(Path(path), map_location)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Content of a checkpoint, on the CPU."""
    return _loaded(path, "cpu")


def _loaded(path: Path, map_location: object) -> dict[str, Any]:
    """Content of a checkpoint; ValueError if it is damaged."""
    content = path.read_bytes()
    if content.startswith(_START):
        line, content = content[: len(_START) + _HASH], content[len(_START) + _HASH + 1 :]
        if sha256_of(content).encode() != line[len(_START) :]:
            raise ValueError("it is damaged, its hash is another one")
    else:  # one of before, in which each part has a checksum
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if damaged := archive.testzip():
                raise ValueError(f"it is damaged, {damaged} has another checksum")
    return torch.load(io.BytesIO(content), map_location=map_location, weights_only=True)


def _problem(path: Path, fingerprint: str) -> str | None:
    """Reason not to go on from a checkpoint, None if there is none."""
    try:
        checkpoint = read_checkpoint(path)
    except ValueError as error:
        return str(error).splitlines()[0]
    except Exception as error:  # bytes that may be anything
        return f"it is damaged ({type(error).__name__})"
    if not isinstance(checkpoint, dict) or checkpoint.get(FINGERPRINT) != fingerprint:
        return "it is of a run with another network, other options or other events"
    return None
