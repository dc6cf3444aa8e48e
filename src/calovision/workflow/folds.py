"""Folds of the cross-validation against the events that there are."""

from collections.abc import Mapping

from calovision.core.errors import InputError
from calovision.workflow.classes import Class, labels_of
from calovision.workflow.ntuple_files import NtupleFiles
from calovision.workflow.samples import Sample


def check_folds(
    folds: int | None,
    samples: Mapping[str, Sample],
    files: Mapping[str, NtupleFiles],
    classes: Mapping[str, Class],
) -> None:
    """Raise InputError if a class that is trained has fewer events than there are folds.

    Parameters
    ----------
    folds
        Number of folds; None without any.
    samples, files
        Samples by name, and the entries of each of their ROOT files; a class with a file whose
        entries are not known, with image files, or with labels of each row is left to the training.
    classes
        Those of the configuration.
    """
    if folds is None:
        return
    found: dict[int, list[int | None]] = {}
    for name, sample in samples.items():
        if sample.is_trained:
            labels = labels_of(sample.label, classes)
            is_known = len(labels) == 1 and files[name]  # no ROOT files: image files are given
            known = list(files[name].values()) if is_known else [None]
            for label in labels:
                found.setdefault(label, []).extend(known)
    titles = list(classes) or ["background", "signal"]
    for label, entries in found.items():
        n_events = sum(one or 0 for one in entries)
        if None not in entries and n_events < folds:
            raise InputError(
                f"configuration key 'split.folds': {folds} folds, but the samples have only "
                f"{n_events} events of {titles[label]}; give more events or fewer folds"
            )
