"""Masks of dead cells in files: JSON of the format ``calovision-mask``."""

import json
from pathlib import Path

from calovision.core.errors import InputError
from calovision.core.user_files import refuse_device
from calovision.images.masks import Mask
from calovision.jobs.atomic import write_json


def read_mask(path: Path) -> Mask:
    """Mask of a file.

    Raises
    ------
    InputError
        If the file cannot be read or holds no mask; its name is in the message.
    """
    refuse_device(Path(path), "mask", pipes=True)
    try:
        return Mask.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except OSError as error:
        raise InputError(f"{path}: the mask cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: no mask, it is not JSON ({error})") from error


def write_mask(path: Path, mask: Mask) -> None:
    """Write a mask, complete or not at all."""
    write_json(Path(path), mask.to_dict())
