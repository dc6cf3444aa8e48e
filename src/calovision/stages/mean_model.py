"""The mean of the networks of a model as one model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from calovision.models import save_mean


def average_networks(
    models: Sequence[Path], output: Path, *, folds: Mapping[str, Any] | None = None
) -> None:
    """Write the mean of networks as ``output``, a ``model.json`` whose folder gets the weights; the
    rest is as in `calovision.models.save_mean`.
    """
    save_mean(Path(output).parent, models, folds=folds, allow_imports=True)
