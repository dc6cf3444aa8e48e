"""Tables for HEPData: ROC curves, efficiencies at working points, and the reach of the search.

Files follow https://hepdata-submission.readthedocs.io: a folder with ``submission.yaml`` and one
YAML file per table, ready to be packed and uploaded.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from calovision.core.errors import InputError
from calovision.core.numeric import finite_or_none
from calovision.evaluation.results.numbers import REGION, Interval
from calovision.evaluation.results.reach import Reach
from calovision.evaluation.results.summary import Summary
from calovision.jobs.atomic import scratch_folder
from calovision.jobs.durable import sync_folder, sync_tree
from calovision.jobs.locks import locked
from calovision.metrics import RocCurve
from calovision.report.hepdata_columns import (
    add_interval_variable,
    library,
    literal,
    new_table,
    new_variable,
)

if TYPE_CHECKING:
    from hepdata_lib import Table

MOST_POINTS = 200
METHODS = {"best_cut": "best score cut", "binned": "score in bins"}


def write_hepdata(
    folder: Path,
    *,
    curves: Mapping[str, RocCurve],
    summary: Summary,
    reach: Reach | None,
    description: str,
    keywords: Mapping[str, Sequence] | None = None,
) -> Path:
    """Write a HEPData submission; complete or not at all.

    Parameters
    ----------
    folder
        Becomes a folder with ``submission.yaml`` and its tables; an older submission there is
        replaced.
    curves
        ROC curve of each classifier; at most 200 points of each are written.
    summary
        Efficiencies at the working points.
    reach
        Significance and limits, or None.
    description
        Abstract of the submission.
    keywords
        Of all tables, such as ``{"cmenergies": [13000.0], "reactions": ["P P --> GLUINO GLUINO
        X"]}``.

    Returns
    -------
    The folder.

    Raises
    ------
    InputError
        If there is something else at ``folder``, or two classifiers need the same file name.
    """
    tables = [_roc_table(name, curve) for name, curve in curves.items()]
    tables.append(_efficiency_table(summary))
    if next(iter(summary.classifiers.values())).rejection:
        tables.append(_rejection_table(summary))
    if any(sample.classifiers for sample in (summary.samples or {}).values()):
        tables.append(_sample_table(summary))
    if reach is not None:
        tables.append(_reach_table(reach))
    _check_names([table.name for table in tables])
    for table in tables:
        table.keywords |= {name: list(values) for name, values in (keywords or {}).items()}
    folder = Path(folder)
    if (
        folder.exists()
        and not (folder / "submission.yaml").is_file()
        and not _is_empty_folder(folder)
    ):
        raise InputError(f"{folder} is there and is no HEPData submission; give another folder")
    with scratch_folder(folder) as scratch:
        _write_submission(scratch / "new", tables, description)
        sync_tree(scratch / "new")
        with locked(folder.parent):  # for as long as there is none under the name
            if folder.exists():
                folder.rename(scratch / "old")
            (scratch / "new").rename(folder)
        sync_folder(folder.parent)
    return folder


def thinned(curve: RocCurve, most: int = MOST_POINTS) -> np.ndarray:
    """Indices of at most ``most`` points of a curve, ascending: dense in both efficiencies, both
    ends kept.

    Half of them are even in signal efficiency, half in the logarithm of the background efficiency.
    """
    n = len(curve.thresholds)
    if n <= most:
        return np.arange(n)
    signal, background = (
        np.maximum.accumulate(values)
        for values in (curve.signal_efficiency, curve.background_efficiency)
    )
    lowest = np.min(background, where=background > 0, initial=1.0)
    by_signal = np.searchsorted(signal, np.linspace(0.0, signal[-1], most // 2))
    by_background = np.searchsorted(
        background, np.geomspace(lowest, background[-1], most - most // 2 - 2)
    )
    return np.unique(np.clip(np.concatenate([[0], by_signal, by_background, [n - 1]]), 0, n - 1))


def _write_submission(folder: Path, tables: Sequence["Table"], description: str) -> None:
    """submission.yaml and the tables.

    ``Submission.create_files`` would put an archive into the current folder; this is what it does
    besides.
    """
    import yaml

    submission = library().Submission()
    folder.mkdir()
    head = {"data_license": submission.get_license(), "comment": description}
    head["additional_resources"] = submission.additional_resources
    with (folder / "submission.yaml").open("w", encoding="utf-8") as file:
        yaml.safe_dump(head, file, default_flow_style=False, explicit_start=True)
    for table in tables:
        table.write_yaml(str(folder))


def _roc_table(name: str, curve: RocCurve) -> "Table":
    """ROC curve of one classifier, from the tightest threshold on."""
    points = thinned(curve)
    background = curve.background_efficiency[points]
    table = new_table(
        f"ROC of {name}",
        f"Background efficiency against signal efficiency of the classifier {literal(name)} after "
        "the preselection. "
        "Uncertainties are 68.3 % intervals, those of the simulated background.",
        {"phrases": ["ROC curve", "Classification"]},
    )
    table.add_variable(
        new_variable("Signal efficiency", curve.signal_efficiency[points], independent=True)
    )
    edges = curve.background_low[points], curve.background_high[points]
    table.add_variable(new_variable("Background efficiency", background, edges))
    thresholds = [finite_or_none(value) for value in curve.thresholds[points]]
    table.add_variable(new_variable("Threshold", thresholds))
    table.add_variable(new_variable("Effective background events", curve.background_n_eff[points]))
    return table


def _efficiency_table(summary: Summary) -> "Table":
    """Signal efficiency of every classifier at every working point, and of the signal region."""
    table = new_table(
        "Efficiencies at working points",
        "Signal efficiency of each classifier at fixed background efficiencies after the "
        "preselection, the last one "
        "that of the signal region (if no background survives, its 68.3 % upper limit), and "
        "of the signal region "
        "itself (cuts). Uncertainties are statistical 68.3 % intervals.",
        {"observables": ["EFF"], "phrases": ["Efficiency", "Classification"]},
    )
    region = summary.signal_region
    rows = [
        (name, summary.background_at(point), efficiency)
        for name, numbers in summary.classifiers.items()
        for point, efficiency in numbers.signal_efficiency.items()
    ]
    rows.append(("cuts", summary.background_at(REGION), region.signal_efficiency))
    rows += [
        (name, summary.background_at(name), one.signal_efficiency)
        for name, one in (summary.regions or {}).items()
    ]
    names, backgrounds, efficiencies = zip(*rows, strict=True)
    table.add_variable(new_variable("Classifier", names, independent=True))
    table.add_variable(new_variable("Background efficiency", backgrounds, independent=True))
    edges = [one.low for one in efficiencies], [one.high for one in efficiencies]
    table.add_variable(
        new_variable("Signal efficiency", [one.value for one in efficiencies], edges)
    )
    table.add_variable(new_variable("Effective events", [one.n_eff for one in efficiencies]))
    return table


def _rejection_table(summary: Summary) -> "Table":
    """Background rejection of every classifier at fixed signal efficiencies."""
    table = new_table(
        "Background rejections",
        "Background rejection (1/background efficiency) of each classifier at fixed signal "
        "efficiencies after the preselection; a lower limit where no background is left. "
        "Uncertainties are statistical 68.3 % intervals.",
        {"observables": ["EFF"], "phrases": ["Efficiency", "Classification"]},
    )
    rows = [
        (name, float(point), one)
        for name, numbers in summary.classifiers.items()
        for point, one in (numbers.rejection or {}).items()
    ]
    names, points, found = zip(*rows, strict=True)
    table.add_variable(new_variable("Classifier", names, independent=True))
    table.add_variable(new_variable("Signal efficiency", points, independent=True))
    edges = [one.low for one in found], [one.high for one in found]
    table.add_variable(new_variable("Background rejection", [one.value for one in found], edges))
    is_limit = ["yes" if one.is_limit or one.high is None else "no" for one in found]
    table.add_variable(new_variable("Not bounded from above", is_limit))
    table.add_variable(new_variable("Effective background events", [one.n_eff for one in found]))
    return table


def _sample_table(summary: Summary) -> "Table":
    """Signal efficiency of every classifier for each sample against the sum of the other class."""
    table = new_table(
        "Efficiencies of samples",
        "Signal efficiency of each classifier at fixed background efficiencies, of each signal "
        "sample against the sum of the backgrounds and of the sum of the signals against each "
        "background sample. Working points are background efficiencies or regions; uncertainties "
        "are statistical 68.3 % intervals.",
        {"observables": ["EFF"], "phrases": ["Efficiency", "Classification"]},
    )
    rows = [
        (sample, name, point, one)
        for sample, of_sample in (summary.samples or {}).items()
        for name, numbers in of_sample.classifiers.items()
        for point, one in numbers.signal_efficiency.items()
    ]
    *columns, found = zip(*rows, strict=True)
    for title, column in zip(("Sample", "Classifier", "Working point"), columns, strict=True):
        table.add_variable(new_variable(title, column, independent=True))
    edges = [one.low for one in found], [one.high for one in found]
    table.add_variable(new_variable("Signal efficiency", [one.value for one in found], edges))
    table.add_variable(new_variable("Effective events", [one.n_eff for one in found]))
    return table


def _reach_table(reach: Reach) -> "Table":
    """Significance, limits and gains of the cuts and of every classifier."""
    table = new_table(
        "Expected reach",
        "Expected significance and 95 % CL upper limit on the cross-section (CLs), relative "
        "background uncertainty "
        f"{reach.background_uncertainty:g}. Uncertainties labeled stat are those of the number "
        "of simulated events, "
        "those labeled expected are the band of +-1 standard deviation of what may be observed. "
        "Where no simulated "
        "background is left in a bin, it is an upper limit, the significance a lower and the limit "
        "an upper bound.",
        {"observables": ["SIG"], "phrases": ["Upper limit", "Significance"]},
    )
    rows = [("cuts", "cuts", reach.cuts)]
    for name, records in reach.classifiers.items():
        rows += [(name, METHODS.get(method, method), record) for method, record in records.items()]
    records = [record for *_, record in rows]
    for title, column in (("Classifier", 0), ("Selection", 1)):
        table.add_variable(new_variable(title, [row[column] for row in rows], independent=True))
    for title, kind in (
        ("Expected signal events", "signal"),
        ("Expected background events", "background"),
    ):
        table.add_variable(new_variable(title, [sum(getattr(record, kind)) for record in records]))
    is_limit = ["yes" if record.is_bound else "no" for record in records]
    table.add_variable(new_variable("Background is an upper limit", is_limit))
    add_interval_variable(
        table, "Expected significance", [record.significance for record in records]
    )
    limits = [record.limit.cross_section_pb for record in records]
    add_interval_variable(table, "Upper limit on the cross-section", limits, units="PB")
    for kind in ("significance", "limit"):
        gains = [
            Interval(None, None, None) if record.gain is None else getattr(record.gain, kind)
            for record in records
        ]
        add_interval_variable(table, f"Gain in {kind} over the cuts", gains)
    for kind in ("significance", "limit"):
        table.add_variable(
            new_variable(
                f"Method of the {kind}", [getattr(record.method, kind) for record in records]
            )
        )
    return table


def _check_names(names: Sequence[str]) -> None:
    """InputError if two tables would be written to one file."""
    files: dict[str, str] = {}
    for name in names:
        file = name.lower().replace(" ", "_")
        if file in files:
            raise InputError(
                f"tables '{files[file]}' and '{name}' need the same file name; rename a classifier"
            )
        files[file] = name


def _is_empty_folder(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())
