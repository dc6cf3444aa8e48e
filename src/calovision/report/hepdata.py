"""Tables for HEPData: ROC curves, efficiencies at working points, and the reach of the search.

Files follow https://hepdata-submission.readthedocs.io: a folder with ``submission.yaml`` and one
YAML file per table, ready to be packed and uploaded.
"""

import html
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from calovision.core.errors import InputError
from calovision.core.numeric import finite_or_none
from calovision.core.text import printable
from calovision.evaluation.results.numbers import REGION, Interval, LimitInterval
from calovision.evaluation.results.reach import Reach
from calovision.evaluation.results.summary import Summary
from calovision.jobs.atomic import locked, scratch_folder
from calovision.metrics import RocCurve

if TYPE_CHECKING:
    from hepdata_lib import Table, Variable

MOST_POINTS = 200
ABSENT = "-"  # HEPData's sign for a number that does not exist
STATISTICAL = "stat"
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
        with locked(folder.parent):  # for as long as there is none under the name
            if folder.exists():
                folder.rename(scratch / "old")
            (scratch / "new").rename(folder)
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

    submission = _library().Submission()
    folder.mkdir()
    head = {"data_license": submission.get_license(), "comment": description}
    head["additional_resources"] = submission.additional_resources
    with (folder / "submission.yaml").open("w", encoding="utf-8") as file:
        yaml.safe_dump(head, file, default_flow_style=False, explicit_start=True)
    for table in tables:
        table.write_yaml(str(folder))


def _library() -> ModuleType:
    """hepdata_lib, without the warning about jsonschema that its import raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import hepdata_lib
    return hepdata_lib


def _roc_table(name: str, curve: RocCurve) -> "Table":
    """ROC curve of one classifier, from the tightest threshold on."""
    points = thinned(curve)
    background = curve.background_efficiency[points]
    table = _table(
        f"ROC of {name}",
        f"Background efficiency against signal efficiency of the classifier {_literal(name)} after "
        "the preselection. "
        "Uncertainties hold 68.3 % and are those of the simulated background.",
        {"phrases": ["ROC curve", "Classification"]},
    )
    table.add_variable(
        _variable("Signal efficiency", curve.signal_efficiency[points], independent=True)
    )
    edges = curve.background_low[points], curve.background_high[points]
    table.add_variable(_variable("Background efficiency", background, edges))
    thresholds = [finite_or_none(value) for value in curve.thresholds[points]]
    table.add_variable(_variable("Threshold", thresholds))
    table.add_variable(_variable("Effective background events", curve.background_n_eff[points]))
    return table


def _efficiency_table(summary: Summary) -> "Table":
    """Signal efficiency of every classifier at every working point, and of the signal region."""
    table = _table(
        "Efficiencies at working points",
        "Signal efficiency of each classifier at fixed background efficiencies after the "
        "preselection, the last one "
        "that of the signal region (the upper end of its interval if no background is left), and "
        "of the signal region "
        "itself (cuts). Uncertainties hold 68.3 % and are statistical.",
        {"observables": ["EFF"], "phrases": ["Efficiency", "Classification"]},
    )
    region = summary.signal_region
    rows = []
    at_region = summary.region_point.background_efficiency
    for name, numbers in summary.classifiers.items():
        for point, efficiency in numbers.signal_efficiency.items():
            rows.append((name, at_region if point == REGION else float(point), efficiency))
    rows.append(("cuts", at_region, region.signal_efficiency))
    names, backgrounds, efficiencies = zip(*rows, strict=True)
    table.add_variable(_variable("Classifier", names, independent=True))
    table.add_variable(_variable("Background efficiency", backgrounds, independent=True))
    edges = [one.low for one in efficiencies], [one.high for one in efficiencies]
    table.add_variable(_variable("Signal efficiency", [one.value for one in efficiencies], edges))
    table.add_variable(_variable("Effective events", [one.n_eff for one in efficiencies]))
    return table


def _reach_table(reach: Reach) -> "Table":
    """Significance, limits and gains of the cuts and of every classifier."""
    table = _table(
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
        table.add_variable(_variable(title, [row[column] for row in rows], independent=True))
    for title, kind in (
        ("Expected signal events", "signal"),
        ("Expected background events", "background"),
    ):
        table.add_variable(_variable(title, [sum(getattr(record, kind)) for record in records]))
    is_limit = ["yes" if record.is_bound else "no" for record in records]
    table.add_variable(_variable("Background is an upper limit", is_limit))
    _add_interval_variable(
        table, "Expected significance", [record.significance for record in records]
    )
    limits = [record.limit.cross_section_pb for record in records]
    _add_interval_variable(table, "Upper limit on the cross-section", limits, units="PB")
    for kind in ("significance", "limit"):
        gains = [
            Interval(None, None, None) if record.gain is None else getattr(record.gain, kind)
            for record in records
        ]
        _add_interval_variable(table, f"Gain in {kind} over the cuts", gains)
    for kind in ("significance", "limit"):
        table.add_variable(
            _variable(f"Method of the {kind}", [getattr(record.method, kind) for record in records])
        )
    return table


def _add_interval_variable(
    table: "Table", title: str, numbers: Sequence[Interval | LimitInterval], units: str = ""
) -> None:
    """Numbers with their statistical interval, and the band where they have one."""
    values = [number.value for number in numbers]
    edges = {STATISTICAL: ([one.low for one in numbers], [one.high for one in numbers])}
    if isinstance(numbers[0], LimitInterval):
        edges["expected"] = ([one.band_low for one in numbers], [one.band_high for one in numbers])
    variable = _variable(title, values, units=units)
    for label, (low, high) in edges.items():
        _add_uncertainty(variable, label, values, low, high)
    table.add_variable(variable)


def _table(name: str, description: str, keywords: Mapping[str, list[str]]) -> "Table":
    # Names become file names; HEPData allows 64 characters.
    table = _library().Table(re.sub(r"[^A-Za-z0-9+_. -]", "_", name)[:64])
    table.description, table.location = description, "Made with calovision"
    table.keywords = dict(keywords)
    return table


def _literal(text: str) -> str:
    """Text in which HEPData finds neither tags nor formulas."""
    return html.escape(printable(text), quote=False).replace("$", r"\$")


def _variable(
    name: str,
    values: Sequence[float | str | None],
    edges: tuple[Sequence[float], Sequence[float]] | None = None,
    *,
    independent: bool = False,
    units: str = "",
) -> "Variable":
    """Column of a table with the 68.3 % interval; None becomes HEPData's dash."""
    shown = [
        ABSENT if value is None else _literal(value) if isinstance(value, str) else float(value)
        for value in values
    ]
    variable = _library().Variable(
        name,
        is_independent=independent,
        is_binned=False,
        units=units,
        values=shown,
        zero_uncertainties_warning=False,
    )
    if edges is not None:
        _add_uncertainty(variable, STATISTICAL, values, *edges)
    return variable


def _add_uncertainty(
    variable: "Variable",
    label: str,
    values: Sequence[float | None],
    low: Sequence[float | None],
    high: Sequence[float | None],
) -> None:
    """Distances to the interval, minus and plus; 0 where it does not exist."""
    uncertainty = _library().Uncertainty(label, is_symmetric=False)
    distances = []
    for value, bottom, top in zip(values, low, high, strict=True):
        known = None not in (value, bottom, top)
        distances.append((float(bottom - value), float(top - value)) if known else (0.0, 0.0))
    uncertainty.values = distances
    variable.add_uncertainty(uncertainty)


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
