"""Networks of models as taggers, and rows of samples and classes."""

from collections.abc import Mapping, Sequence

import numpy as np

from calovision.core.splits import SPLITS
from calovision.evaluation.results.models import ModelNumbers, TrainingRecord
from calovision.evaluation.results.taggers import (
    SampleRows,
    TaggerModel,
    TaggerModels,
    TaggerPerformance,
    TaggingRows,
)
from calovision.evaluation.samples import cut_steps, warnings_of_files
from calovision.evaluation.tagging.rows import TaggedRows
from calovision.metrics import ensemble_scores, macro_auc
from calovision.storage import ImageCollection


def compare_networks(
    rows: TaggedRows,
    scores: Mapping[str, np.ndarray],
    runs: Mapping[str, Mapping[int, TrainingRecord]],
    numbers: Mapping[str, ModelNumbers],
) -> TaggerModels:
    """Numbers of ``taggers.json``.

    Parameters
    ----------
    rows
        Test rows.
    scores
        Model -> log-probabilities of its networks, ``(n, n_networks, n_classes)``.
    runs, numbers
        Model -> seed -> record of the training, and numbers of the network.
    """
    found = {}
    for model, networks in scores.items():
        each = [performance(one, rows) for one in np.moveaxis(networks, 1, 0)]
        areas = [one.macro_auc for one in each]
        found[model] = TaggerModel(
            **vars(numbers[model]),
            seeds=dict(zip(map(str, runs[model]), each, strict=True)),
            trainings={str(seed): record for seed, record in runs[model].items()},
            ensemble=performance(ensemble_scores(networks), rows),
            standard_deviation=float(np.std(areas, ddof=1)) if len(areas) > 1 else None,
        )
    return TaggerModels(found)


def performance(log_probabilities: np.ndarray, rows: TaggedRows) -> TaggerPerformance:
    """Macro AUC and mean accuracy of one network, ``(n, n_classes)``."""
    is_right = log_probabilities.argmax(axis=1) == rows.labels
    return TaggerPerformance(
        macro_auc(log_probabilities, rows.labels, rows.weights),
        float(rows.weights[is_right].sum() / rows.n_classes),
    )


def count_rows(
    collection: ImageCollection,
    classes: Sequence[str],
    warnings: Sequence[str] = (),
    *,
    has_folds: bool = False,
) -> TaggingRows:
    """Rows of each sample by class and split, with the cut flows; with folds, where each row is in
    another split of each, all together.
    """
    samples, labels = collection.sample_names(), collection.column("label")
    split = np.zeros(len(labels), dtype=np.uint8) if has_folds else collection.column("split")
    parts = ("all folds",) if has_folds else SPLITS
    found = {}
    for name in collection.samples:
        own = samples == name
        flow, of_jets = collection.cut_flow(name), collection.jet_cut_flow(name)
        found[name] = SampleRows(
            n_generated=flow[0][1] if flow else 0,
            cut_flow=cut_steps(flow) if flow else (),
            jet_cut_flow=cut_steps(of_jets) if of_jets else (),
            rows={
                one: {
                    part: int(np.sum(own & (labels == label) & (split == position)))
                    for position, part in enumerate(parts)
                }
                for label, one in enumerate(classes)
            },
        )
    return TaggingRows(found, (*warnings_of_files(collection), *warnings))
