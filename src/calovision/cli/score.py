"""``calovision score``: the scores of a trained network for ROOT files, or for image files."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calovision.cli.options import Split, grouped_options, require_new
from calovision.core.classes import OF_ROWS
from calovision.core.errors import InputError
from calovision.core.splits import SPLITS, Folds

if TYPE_CHECKING:
    import numpy as np

    from calovision.models import ImageModel
    from calovision.storage import ImageCollection


logger = logging.getLogger(__name__)

ScoredSplit = StrEnum("ScoredSplit", {"ALL": "all"} | {one.name: one.value for one in Split})
"""Events to score: all, or those of a split."""

Model = Annotated[
    Path, typer.Argument(metavar="MODEL", help="Folder of a trained model, or its model.json.")
]
HDF5 = b"\x89HDF\r\n\x1a\n"  # first bytes of its files
Force = Annotated[bool, typer.Option("--force", help="Overwrite the output.")]


@dataclass(frozen=True, kw_only=True)
class ScoringOptions:
    """Events to score, device and batches."""

    split: Annotated[
        ScoredSplit,
        typer.Option(help="Which events; of a network of a fold the splits are those of its fold."),
    ] = ScoredSplit.ALL
    device: Annotated[
        str, typer.Option(metavar="NAME", help="auto, cpu, gpu, or torch's name as cuda:1.")
    ] = "auto"
    batch_size: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="Images at a time; halved where the memory does not suffice."
        ),
    ] = 256


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """Use of a trained network."""

    rotations: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="Average the logits over N rotations in phi and the reflections of each, 4 N "
            "times the work (0: none).",
        ),
    ] = 0
    out_of_fold: Annotated[
        bool,
        typer.Option(
            "--out-of-fold",
            help="Score each event by the networks of its fold alone, which did not see it: for "
            "image files of samples that trained the mean of folds (models/NAME/final).",
        ),
    ] = False
    allow_imports: Annotated[
        bool,
        typer.Option(
            "--allow-imports",
            help="Import the network's class where the model names one of your own modules.",
        ),
    ] = False


ScoreFormat = StrEnum("ScoreFormat", {name.upper(): name for name in ("root", "hdf5", "parquet")})
"""Formats of the scores of ROOT files."""


@dataclass(frozen=True, kw_only=True)
class NtupleScoringOptions:
    """Scores of ROOT files."""

    format: Annotated[
        ScoreFormat | None,
        typer.Option(help="Of the scores of ROOT files (root).", show_default=False),
    ] = None
    output_tree: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Tree of the scores of a ROOT file (calovision_scores)."),
    ] = None
    schema: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE.yaml", help="Schema of the ROOT files, if not that of the training."
        ),
    ] = None
    tree: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Tree with the events, if not that of the training."),
    ] = None
    processes: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Processes that share the ROOT files; of a single long one, one makes the images "
            "(2).",
        ),
    ] = None


@grouped_options
def score_command(
    model: Model,
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILES",
            help="ROOT files (paths, globs, addresses, lists), or image files like those of the "
            "training.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER|OUT.h5",
            help="Of ROOT files the folder for their scores, of image files the score file.",
        ),
    ],
    scoring: ScoringOptions,
    network: NetworkOptions,
    ntuples: NtupleScoringOptions,
    force: Force = False,
) -> None:
    """Score every entry of ROOT files with a trained network, and write a friend tree for each; or
    the events (or jets) of image files, and write a score file.
    """
    if are_ntuples(files):
        if scoring.split != ScoredSplit.ALL:
            raise typer.BadParameter("is for image files.", param_hint="--split")
        if network.out_of_fold:
            raise typer.BadParameter("is for image files.", param_hint="--out-of-fold")
        from calovision.cli.score_ntuples import score_root_files

        score_root_files(model, files, output, scoring, network, ntuples, force=force)
        return
    for name, value in vars(ntuples).items():
        if value is not None:
            raise typer.BadParameter("is for ROOT files.", param_hint=f"--{name}".replace("_", "-"))
    score_image_files(model, list(map(Path, files)), output, scoring, network, force=force)


def are_ntuples(files: list[str]) -> bool:
    """Tell whether ROOT files are to be scored, else image files.

    Raises
    ------
    InputError
        If both are given.
    """
    kinds = {file: is_ntuple(file) for file in files}
    if len(set(kinds.values())) > 1:
        (ntuple, image) = (next(file for file in files if kinds[file] == kind) for kind in (1, 0))
        raise InputError(
            f"{ntuple} is a ROOT file, and {image} an image file: score them one kind after the "
            "other"
        )
    return next(iter(kinds.values()))


def is_ntuple(file: str) -> bool:
    """Tell whether an argument is a ROOT file, an address or a list of these, by its first bytes or
    else its name.
    """
    path = Path(file)
    if path.is_file():
        with path.open("rb") as content:
            start = content.read(len(HDF5))
        if start.startswith(b"root") or start == HDF5:
            return start != HDF5
    return "://" in file or ".root" in path.name or path.suffix in (".txt", ".list")


def score_image_files(
    model: Path,
    files: list[Path],
    output: Path,
    scoring: ScoringOptions,
    network: NetworkOptions,
    *,
    force: bool,
) -> None:
    """Write the scores of the events of image files."""
    require_new(output, force=force)
    from calovision.cli.progress import event_progress
    from calovision.models import load_model
    from calovision.scoring import choose_device, score_collection
    from calovision.storage import ImageCollection, write_scores

    device = choose_device(scoring.device)
    loaded = load_model(model, allow_imports=network.allow_imports)
    collection = ImageCollection(files)
    indices = events_of_split(collection, scoring.split, loaded.training_run)
    start = time.perf_counter()
    score = (
        partial(out_of_fold, loaded) if network.out_of_fold else partial(score_collection, loaded)
    )
    if not network.out_of_fold:
        warn_of_seen_events(loaded, collection)
    with event_progress(len(indices)) as progress:
        scores = score(
            collection,
            indices,
            device=scoring.device,
            batch_size=scoring.batch_size,
            n_rotations=network.rotations,
            progress=progress,
        )
    seconds = time.perf_counter() - start
    name = loaded.specification.network
    attributes = {"model": str(model), "network": name, "n_rotations": network.rotations}
    classes = loaded.specification.classes
    target = loaded.specification.target
    if target:
        from calovision.storage.predictions import write_predictions

        named = {"target": target["name"], "unit": target["unit"]}
        write_predictions(output, collection, indices, scores, attributes=attributes, **named)
    else:
        write_scores(output, collection, indices, scores, classes=classes, attributes=attributes)
    speed = f"{len(scores) / max(seconds, 1e-9):,.0f} events/s, {seconds:.1f} s, device {device}"
    rows = [("output", str(output)), ("model", f"{model}, network {name}")]
    rows += [("split", str(scoring.split)), ("speed", speed)]
    print_scores(collection, indices, scores, rows, classes, target)


def out_of_fold(
    model: "ImageModel", collection: "ImageCollection", indices: "np.ndarray", **options: Any
) -> "np.ndarray":
    """Scores of events by the networks that did not see them; InputError for a model without
    folds.
    """
    from calovision.scoring import score_out_of_fold

    folds = model.training_run.get("folds")
    if folds is None or not hasattr(model, "members"):
        raise InputError(
            "--out-of-fold needs the mean of the networks of folds: give the folder "
            "models/NAME/final of a run with split.folds"
        )
    networks = list(model.members)
    scores = score_out_of_fold(networks, collection, Folds(**folds), **options)
    return scores[indices]


def warn_of_seen_events(model: "ImageModel", collection: "ImageCollection") -> None:
    """Warn where a mean of folds scores samples that trained it, most of whose networks saw an
    event.
    """
    seen = set(model.training_run.get("samples") or ()) & set(collection.samples)
    if model.training_run.get("folds") and hasattr(model, "members") and seen:
        logger.warning(
            "%s trained this model, whose networks saw these events: --out-of-fold scores each by "
            "those that did not",
            ", ".join(sorted(seen)),
        )


def events_of_split(
    collection: "ImageCollection", split: ScoredSplit, training: Mapping[str, Any]
) -> "np.ndarray":
    """Numbers of the events to score; of a network of a fold, by the record of its ``training``,
    the splits are those of the fold. InputError if there is no event.
    """
    import numpy as np

    if split == ScoredSplit.ALL:
        return np.arange(len(collection))
    fold = training.get("fold")
    folds = None if fold is None else Folds(**training["folds"])
    indices = np.flatnonzero(collection.splits(folds, fold) == SPLITS.index(split))
    if len(indices) == 0:
        raise InputError(
            f"none of the {len(collection)} images is of the split '{split}': nothing to score"
        )
    return indices


def _shown_label(label: int, classes: Sequence[str]) -> str:
    """Label of a sample, or the name of its class where classes have any."""
    if label == OF_ROWS:
        return "of each row"
    return classes[label] if classes else str(label)


def print_scores(
    collection: "ImageCollection",
    indices: "np.ndarray",
    scores: "np.ndarray",
    rows: list[tuple[str, str]],
    classes: Sequence[str] = (),
    target: Mapping[str, str] | None = None,
) -> None:
    """Print what was scored, and for each sample the number and the mean probability of signal, of
    more than two classes that of each, or the mean prediction of a target.
    """
    import numpy as np
    from scipy.special import expit

    from calovision.cli.summary import columns, pairs, show

    what = "jets" if collection.metadata.kind == "jet" else "events"
    names = collection.sample_names()[indices]
    probabilities = expit(scores)[:, None] if scores.ndim == 1 else np.exp(scores)
    means = ["mean probability"] if scores.ndim == 1 else [f"mean P({name})" for name in classes]
    if target:
        probabilities = scores[:, None]
        means = [f"mean {target['name']}" + (f" [{target['unit']}]" if target["unit"] else "")]
    table = []
    for sample, label in collection.samples.items():
        mine = probabilities[names == sample]
        digits = ".6g" if target else ".4f"
        mean = [f"{one:{digits}}" for one in mine.mean(axis=0)] if len(mine) else ["-"] * len(means)
        table.append((sample, _shown_label(label, collection.classes), len(mine), *mean))
    show(
        pairs([*rows, (what, str(len(indices)))]),
        columns(("sample", "label", what, *means), table, title="samples"),
    )
