"""The mean of the networks of a model as one model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from calovision.models import average_models, load_model, save_model


def average_networks(
    models: Sequence[Path], output: Path, *, folds: Mapping[str, Any] | None = None
) -> None:
    """Write the mean of networks: the model for events that none of them saw.

    Parameters
    ----------
    models
        ``model.json`` of each: the seeds, and the folds of each, ascending.
    output
        ``model.json``; its folder gets the weights.
    folds
        Arguments of `calovision.core.splits.Folds`, with which `scoring.score_out_of_fold` scores
        the events that some of the members saw.
    """
    members = [load_model(path, allow_imports=True) for path in models]
    runs = [dict(member.training_run) for member in members]
    sources = max((run.pop("sources", []) for run in runs), key=len)  # the same of all
    training = {
        "samples": runs[0].get("samples"),
        "sources": sources,
        "folds": folds,
        "members": runs,
    }
    save_model(Path(output).parent, average_models(members), training=training)
