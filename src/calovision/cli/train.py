"""``calovision train``: a network trained on image files.

Its options are the fields of `calovision.training.TrainingOptions`, which are the keys of ``train``
in the configuration too.
"""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calovision.cli.generated import given_values, options_group
from calovision.cli.options import grouped_options
from calovision.core.errors import InputError
from calovision.core.luminosity import LUMINOSITY_FB
from calovision.core.splits import SPLITS
from calovision.training.options import TrainingOptions

if TYPE_CHECKING:
    import numpy as np

    from calovision.storage import ImageCollection

Training = options_group(TrainingOptions)
"""The fields of `TrainingOptions` as options of a command."""


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Luminosity, threads and output of the run."""

    luminosity: Annotated[
        float,
        typer.Option(
            min=0, metavar="FB", help="For --weights raw and log1p of several samples, 1/fb."
        ),
    ] = LUMINOSITY_FB
    folds: Annotated[
        int | None,
        typer.Option(
            min=2,
            metavar="N",
            help="Train a network for each of N folds, on all others, in OUTPUT/fold0 and so on, "
            "and their mean in OUTPUT/final; the split of the files is not used.",
        ),
    ] = None
    threads: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Of torch (all cores of the machine).")
    ] = None
    force: Annotated[
        bool, typer.Option("--force", help="Train anew in place of the model that is there.")
    ] = False


@grouped_options
def train_command(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="IMAGES", help="Image files of all classes."),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FOLDER", help="Folder that the model is put in."),
    ],
    training: Training,  # type: ignore[valid-type]
    run: RunOptions,
) -> None:
    """Train a network on image files, stop early by their validation split, and print the AUC of
    their test split, or the resolution of a target. The same command again goes on with a training
    that was killed.
    """
    require_new_model(output, force=run.force)
    options = TrainingOptions(**given_values(training, TrainingOptions))
    from calovision.storage import ImageCollection
    from calovision.training import train_network

    if run.threads is not None:
        import torch

        torch.set_num_threads(run.threads)
    collection = ImageCollection(files)
    if run.folds is not None:
        from calovision.cli.train_folds import train_folds

        train_folds(collection, output, options, run.folds, run.luminosity)
        return
    start = time.perf_counter()
    model = train_network(
        collection,
        output,
        options,
        luminosity_fb=run.luminosity,
        progress_bar=sys.stderr.isatty(),
    )
    print_training(collection, model, options, run.luminosity, time.perf_counter() - start)


def require_new_model(folder: Path, *, force: bool) -> None:
    """Raise InputError if the folder holds anything but a training that was killed, of one network
    or of those of folds.
    """
    from calovision.training.run import LOCK

    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: give the name of a folder for the model")
    final = folder / "final" / "model.json"
    was_killed = not final.exists() and any(folder.glob("fold*/resume"))
    if not folder.exists() or force or was_killed or (folder / "resume").is_dir():
        return
    if (folder / "model.json").exists() or final.exists():
        raise InputError(
            f"{folder} holds a model already: give another name or --force to train it anew"
        )
    before_checkpoints = [*folder.glob(LOCK), *folder.glob(f"fold*/{LOCK}")]
    if any(folder.iterdir()) and not before_checkpoints:
        raise InputError(
            f"{folder} exists and is not empty: give another name or --force to put a model there"
        )


def print_training(
    collection: "ImageCollection",
    model: Path,
    options: TrainingOptions,
    luminosity_fb: float,
    seconds: float,
) -> None:
    """Print the epochs, the best loss, and how well the test split is told apart."""
    from calovision.cli.summary import pairs, show
    from calovision.core.result import read_json

    run = read_json(model)["training"]
    rows = [
        ("output", str(model.parent)),
        ("network", f"{options.network}, seed {options.seed}"),
        ("events", f"{run['n_training']} training, {run['n_validation']} validation"),
        ("epochs", f"{run['epochs']} of at most {options.epochs}, the best is {run['best_epoch']}"),
        ("speed", f"{run['images_per_s']:,.0f} images/s, {seconds:.1f} s in all"),
        ("validation loss", f"{run['validation_loss']:.6g}"),
    ]
    names = {"auc": "AUC", "macro_auc": "macro AUC", "resolution": "resolution"}
    name = next(one for one in names if f"validation_{one}" in run)
    rows += [
        (f"validation {names[name]}", f"{run[f'validation_{name}']:.4f}"),
        (f"test {names[name]}", _test_auc(collection, model, options, luminosity_fb)),
    ]
    show(pairs(rows))


def _test_auc(
    collection: "ImageCollection", model: Path, options: TrainingOptions, luminosity_fb: float
) -> str:
    """AUC of the test split with its standard error, weighted as the loss is; of more than two
    classes the mean of one versus one; of a target the resolution.
    """
    import numpy as np

    from calovision.models import load_model
    from calovision.scoring import score_collection

    indices = np.flatnonzero(collection.column("split") == SPLITS.index("test"))
    labels = collection.column("label")[indices]
    if len(indices) == 0 and options.target is not None:
        return "- (the test split has no row)"
    if options.target is None and len(np.unique(labels)) < max(len(collection.classes), 2):
        return "- (the test split lacks a class)"
    network = load_model(model, allow_imports=":" in options.network)
    scores = score_collection(network, collection, indices, device=options.device)
    return auc_text(collection, indices, scores, network.training_run, options, luminosity_fb)


def auc_text(
    collection: "ImageCollection",
    indices: "np.ndarray",
    scores: "np.ndarray",
    run: Mapping[str, Any],
    options: TrainingOptions,
    luminosity_fb: float,
) -> str:
    """AUC of some events by their scores, weighted as the loss of a training ``run`` was, or
    resolution of a target.
    """
    if options.target is not None:
        return resolution_text(collection, indices, scores, options.target)
    from calovision.datasets import FlatWeights, event_weights
    from calovision.metrics import macro_auc
    from calovision.metrics.roc import auc_with_error
    from calovision.training.weights import loss_weights

    labels = collection.column("label")[indices]
    of_events = event_weights(collection, options.weights, luminosity_fb)
    flat = run.get("flat")
    flat = None if flat is None else FlatWeights.from_dict(flat)
    weights = loss_weights(collection, indices, of_events, options, flat)
    if scores.ndim > 1:
        value = macro_auc(scores, labels, weights)
        return f"{value:.4f} ({len(indices)} rows, weights as in the loss)"
    value, error = auc_with_error(scores, labels, weights)
    return (
        f"{value:.4f} +- {error:.4f} ({len(indices)} events; statistical, weights as in the loss)"
    )


def resolution_text(
    collection: "ImageCollection", indices: "np.ndarray", predictions: "np.ndarray", target: str
) -> str:
    """Half of the central 68 % of prediction / truth - 1, and its median, each row counting 1; of
    the difference where a true value is not above 0.
    """
    import numpy as np

    from calovision.metrics import residual_numbers, residuals_of
    from calovision.storage.targets import target_values

    truth = target_values(collection, target)[indices]
    known = np.isfinite(truth)
    relative = bool(np.all(truth[known] > 0))
    found = residual_numbers(residuals_of(predictions[known], truth[known], relative=relative))
    kind = "relative" if relative else "in the unit of the target"
    return (
        f"{found.resolution:.4g}, bias {found.bias_median:+.3g} ({np.count_nonzero(known)} rows; "
        f"{kind})"
    )
