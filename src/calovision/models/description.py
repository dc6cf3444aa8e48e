"""Descriptions of stored models: ``model.json``, beside the weights. They need no torch.

Since version 3 a description is sealed (`calovision.core.digests.sealed`) and holds the hash of the
weights, so that a change of either file, or an exchange with another model's, is noticed.
"""

from pathlib import Path
from typing import Any

from calovision.core.descriptions import DescriptionKind
from calovision.core.errors import InputError
from calovision.core.user_files import refuse_device

FORMAT = "calovision-model"
VERSION = 3
DESCRIPTION, WEIGHTS = "model.json", "model.safetensors"
_KIND = DescriptionKind(
    what="model's description",
    format=FORMAT,
    version=VERSION,
    sealed_since=3,
    keys={"specification": dict, "training": dict, "weights_sha256": str},
    beside=WEIGHTS,
    again="train again or copy the folder again",
)


def read_description(path: Path) -> dict[str, Any]:
    """Content of a ``model.json``.

    Raises
    ------
    InputError
        If the file is missing, damaged, changed since it was written, not a model's or of a newer
        version.
    """
    refuse_device(path, "model's description")
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: there is no such file; give the folder of a trained model"
        ) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: no {_KIND.what}, it is not JSON ({error})") from error
    description = _KIND.read(path, text)
    if not isinstance(description.get("recipe"), dict | None):
        raise InputError(f"{path}: damaged, its 'recipe' is none: copy the folder again")
    return description
