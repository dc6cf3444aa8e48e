"""Descriptions of stored models: ``model.json``, beside the weights. They need no torch.

Since version 3 a description is sealed (`calovision.core.digests.sealed`) and holds the hash of the
weights, so that a change of either file, or an exchange with another model's, is noticed.
"""

import json
from pathlib import Path
from typing import Any

from calovision.core.digests import require_seal
from calovision.core.errors import InputError
from calovision.core.user_files import refuse_device

FORMAT = "calovision-model"
VERSION = 3
SEALED_SINCE = 3
DESCRIPTION, WEIGHTS = "model.json", "model.safetensors"
_KINDS = {"specification": dict, "training": dict, "weights_sha256": str}


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
        description = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: there is no such file; give the folder of a trained model"
        ) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:  # also of bytes that are no text
        raise InputError(f"{path}: no model's description, it is not JSON ({error})") from error
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise InputError(f"{path}: no model's description, it lacks the format '{FORMAT}'")
    found = description.get("version")
    if not isinstance(found, int) or found > VERSION:
        raise InputError(
            f"{path}: of version {found}, this calovision reads up to {VERSION}: install a newer "
            "one"
        )
    require_seal(path, description, beside=WEIGHTS, must_be=found >= SEALED_SINCE)
    _check_kinds(path, description)
    return description


def _check_kinds(path: Path, description: dict[str, Any]) -> None:
    for name, kind in _KINDS.items():
        if not isinstance(description.get(name), kind):
            raise InputError(
                f"{path}: damaged, it lacks '{name}': train again or copy the folder again"
            )
    if not isinstance(description.get("recipe"), dict | None):
        raise InputError(f"{path}: damaged, its 'recipe' is none: copy the folder again")
