"""``calovision train --folds``: a network for each fold, and their mean as one model."""

import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from calovision.cli.train import auc_text
from calovision.core.splits import SHARES, Folds

if TYPE_CHECKING:
    from calovision.storage import ImageCollection
    from calovision.training import TrainingOptions

VALIDATION_SHARE = SHARES["validation"] / (SHARES["train"] + SHARES["validation"])
"""Of the events outside a fold, as of a split without folds."""


def train_folds(
    collection: "ImageCollection",
    folder: Path,
    options: "TrainingOptions",
    n_folds: int,
    luminosity_fb: float,
) -> None:
    """Train the networks below a folder, write their mean as ``final``, and print how well each
    event is told by the network that did not see it. A fold whose training was killed goes on;
    the others are trained again.
    """
    import numpy as np

    from calovision.models import load_model, save_mean
    from calovision.scoring import score_out_of_fold
    from calovision.training import train_network

    folds = Folds(n_folds, options.seed, VALIDATION_SHARE)
    start = time.perf_counter()
    paths = [
        train_network(
            collection,
            folder / f"fold{fold}",
            options,
            luminosity_fb=luminosity_fb,
            folds=folds,
            fold=fold,
            progress_bar=sys.stderr.isatty(),
        )
        for fold in range(n_folds)
    ]
    allowed = ":" in options.network
    save_mean(folder / "final", paths, folds=asdict(folds), allow_imports=allowed)
    networks = list(load_model(folder / "final", allow_imports=allowed).members)
    scores = score_out_of_fold(networks, collection, folds, device=options.device)
    runs = [load_model(path, allow_imports=allowed).training_run for path in paths]
    found = auc_text(
        collection, np.arange(len(collection)), scores, runs[0], options, luminosity_fb
    )
    _print(folder, options, runs, found, time.perf_counter() - start)


def _print(
    folder: Path, options: "TrainingOptions", runs: list[dict], auc: str, seconds: float
) -> None:
    from calovision.cli.summary import columns, pairs, show

    rows = [
        ("output", str(folder / "final")),
        ("network", f"{options.network}, seed {options.seed}, {len(runs)} folds"),
        (f"{'AUC' if options.target is None else 'resolution'}, out of fold", auc),
        ("time", f"{seconds:.1f} s"),
    ]
    header = ("fold", "training", "validation", "best epoch", "validation loss")
    table = [
        (
            run["fold"],
            run["n_training"],
            run["n_validation"],
            run["best_epoch"],
            f"{run['validation_loss']:.6g}",
        )
        for run in runs
    ]
    show(pairs(rows), columns(header, table, title="folds"))
