"""Tables of a summary for what a configuration compares beside the example: further regions, 1/eps_B
at fixed signal, samples.

Each function gives parts of a Markdown text: paragraphs and tables, lists of lines.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from calovision.core.digits import events_in_digits, in_digits
from calovision.core.markdown import markdown_table
from calovision.evaluation.results.numbers import (
    Performance,
    format_efficiency,
    format_rejection,
    marked_efficiency,
    with_meaning,
)

if TYPE_CHECKING:
    from calovision.evaluation.results.summary import (
        CutRegion,
        RegionEfficiencies,
        RegionWorkingPoint,
        SampleEfficiencies,
    )

Parts = list[list[str]]


def further_region_parts(
    regions: Mapping[str, "CutRegion"], classifiers: Mapping[str, Performance], events: str
) -> Parts:
    """Efficiencies of cut regions, and of all classifiers at the background of each; ``events`` are
    words for those that are counted.
    """
    rows = [[name, *_region_cells(one), _point_cell(one.point)] for name, one in regions.items()]
    header = ["region", "signal", "background", "effective background events"]
    at_regions = [
        [name, *(marked_efficiency(one.signal_efficiency[region]) for region in regions)]
        for name, one in classifiers.items()
    ]
    return [
        [f"Further regions, of {events}:"],
        markdown_table([*header, "working point"], rows),
        ["Signal efficiency of each classifier at the background efficiency of these regions:"],
        with_meaning(markdown_table(["classifier", *regions], at_regions)),
    ]


def rejection_parts(classifiers: Mapping[str, Performance]) -> Parts:
    """Background rejection of all classifiers at fixed signal efficiencies; nothing where none is
    asked for.
    """
    points = list(next(iter(classifiers.values())).rejection or {})
    if not points:
        return []
    rows = [
        [name, *(format_rejection(one.rejection[point]) for point in points)]
        for name, one in classifiers.items()
    ]
    return [
        ["Background rejection (1/background efficiency) at fixed signal efficiency:"],
        with_meaning(markdown_table(["classifier", *(f"at signal {one}" for one in points)], rows)),
    ]


def sample_parts(samples: Mapping[str, "SampleEfficiencies"]) -> Parts:
    """Regions and classifiers of every sample."""
    text = (
        "Each signal sample against the sum of the backgrounds, and the sum of the signals against "
        "each background sample:"
    )
    region_rows = [
        [name, region, *_region_cells(one)]
        for name, sample in samples.items()
        for region, one in sample.regions.items()
    ]
    header = ["sample", "region", "signal", "background", "effective background events"]
    return [[text], markdown_table(header, region_rows), with_meaning(_sample_lines(samples))]


def _sample_lines(samples: Mapping[str, "SampleEfficiencies"]) -> list[str]:
    measured = [one for sample in samples.values() for one in sample.classifiers.values()]
    points = list(measured[0].signal_efficiency) if measured else []
    rejections = list(measured[0].rejection or {}) if measured else []
    header = ["sample", "class", "effective events", "classifier", "AUC"]
    header += [f"signal at background {_words(one)}" for one in points]
    header += [f"1/background at signal {one}" for one in rejections]
    rows = []
    for name, sample in samples.items():
        of_sample = [name, ("background", "signal")[sample.label], events_in_digits(sample.events.n_eff)]
        if not sample.classifiers:
            nothing = [""] * (len(header) - len(of_sample) - 1)
            rows.append([*of_sample, "no positive sum of weights", *nothing])
        for classifier, one in sample.classifiers.items():
            cells = [marked_efficiency(one.signal_efficiency[point]) for point in points]
            cells += [format_rejection(one.rejection[point]) for point in rejections]
            rows.append([*of_sample, classifier, f"{one.auc:.4f}", *cells])
    return markdown_table(header, rows)


def _region_cells(region: "RegionEfficiencies") -> list[str]:
    background = region.background_efficiency
    return [
        format_efficiency(region.signal_efficiency),
        format_efficiency(background),
        events_in_digits(background.n_eff),
    ]


def _point_cell(point: "RegionWorkingPoint") -> str:
    words = "none left: below " if point.is_limit else ""
    return f"{words}{in_digits(point.background_efficiency, 2)}"


def _words(point: str) -> str:
    return f"{point.replace('_', ' ')}'s" if not _is_number(point) else point


def _is_number(point: str) -> bool:
    try:
        float(point)
    except ValueError:
        return False
    return True
