"""Content of the report of a run: its sections, figures and tables, facts, values of the texts."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from calovision.core.classes import TWO_CLASSES
from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.core.titles import in_words
from calovision.jets.signed import SignedVariable
from calovision.monitoring.methods import METHODS
from calovision.report.figure import ReportFigure
from calovision.report.figures import FIGURES
from calovision.report.sections import SECTIONS, ReportSection
from calovision.workflow import parameters
from calovision.workflow.analysis import Analysis
from calovision.workflow.rules import RULES
from calovision.workflow.tagging import binned_variables, class_colors, class_titles
from calovision.workflow.tasks import MONITORING, REGRESSION, SEARCH, TAGGING

TITLE = "CNNs on whole-detector images against the cuts of a search"
TITLES = {
    SEARCH: TITLE,
    TAGGING: "CNN taggers against jet substructure",
    REGRESSION: "A number of each image by CNNs",
    MONITORING: "Monitoring of the detector",
}
"""Titles of the report by the task of the run."""
SUBMISSION = (
    "CNNs on whole-detector images against the cuts of a search: ROC curves, working points, reach."
)
"""Abstract of the HEPData submission."""

EXPLORER = "Explore: thresholds, single images, HTML"
"""Title of the page to explore among the files of the report."""

RUN = "run"
"""Section on what the run cost, which is written when all others are there."""


# -- figures -------------------------------------------------------------------------------------


def report_figures(analysis: Analysis, rule: str | None = None) -> list[ReportFigure]:
    """Figures of a run, in the order of the report.

    Parameters
    ----------
    analysis
        The run.
    rule
        Only those that a rule draws; None for all.

    Raises
    ------
    InputError
        If a figure, of another package, has an unknown section or rule.
    """
    for figure in FIGURES.values():
        _check(figure, "section", figure.section, [section.name for section in SECTIONS])
        _check(figure, "rule", figure.rule, list(RULES))
    return [one for one in FIGURES.values() if rule in (None, one.rule) and _has(analysis, one)]


def _check(figure: ReportFigure, kind: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise InputError(
            f"figure '{figure.name}' of the report: there is no {kind} '{name}'"
            f"{nearest(name, known)}; choose from {', '.join(known)}"
        )


def figure_names(analysis: Analysis, rule: str) -> list[str]:
    """Names of the files of the figures that a rule draws."""
    return list(_titles(analysis, report_figures(analysis, rule)))


def figure_calls(analysis: Analysis, rule: str) -> list[str]:
    """Calls that draw the figures of a rule, as text: as a parameter it reruns the rule."""
    return [figure.call for figure in report_figures(analysis, rule)]


def _titles(analysis: Analysis, figures: Sequence[ReportFigure]) -> dict[str, str]:
    """Titles of figures by the names of their files."""
    n_events = analysis.configuration.plots.n_event_displays
    return {name: title for one in figures for name, title in one.titles(n_events).items()}


def _has(analysis: Analysis, entry: ReportFigure | ReportSection) -> bool:
    """Tell whether a run has what an entry needs."""
    if isinstance(entry, ReportFigure) and not analysis.has_rule(entry.rule):
        return False
    return not entry.needs or bool(getattr(analysis, entry.needs))


# -- sections and files --------------------------------------------------------------------------


def report_sections(analysis: Analysis) -> list[dict[str, Any]]:
    """Sections of the report, as `calovision.report.parts.read_sections` takes them."""
    figures = report_figures(analysis)
    sections = []
    for section in SECTIONS:
        if _has(analysis, section):
            of_section = [one for one in figures if one.section == section.name]
            sections.append(
                {
                    "name": section.name,
                    "title": section.title,
                    "text_file": f"{section.name}.md.j2",
                    "is_open": section.is_open,
                    "tables": [str(analysis.results.table(name)) for name in section.tables],
                    "figures": [
                        {
                            "name": name,
                            "title": title,
                            "caption": figure.caption,
                            "is_detail": figure.is_detail or (figure.is_numbered and number > 0),
                        }
                        for figure in of_section
                        for number, (name, title) in enumerate(_titles(analysis, [figure]).items())
                    ],
                }
            )
    return sections


def report_inputs(analysis: Analysis, *, with_run: bool) -> dict[str, list[Path]]:
    """Files that the report waits for: ``plots`` (PNG and PDF), ``tables``, ``numbers`` (JSON).

    Parameters
    ----------
    analysis
        The run.
    with_run
        Whether the figures and tables of what the run cost are among them.
    """
    results = analysis.results
    sections = [one for one in report_sections(analysis) if with_run or one["name"] != RUN]
    names = [figure["name"] for section in sections for figure in section["figures"]]
    return {
        "plots": [results.plot(name, kind) for name in names for kind in ("png", "pdf")],
        "tables": [Path(table) for section in sections for table in section["tables"]],
        "numbers": [results.numbers(name) for name in report_numbers(analysis)],
    }


def report_numbers(analysis: Analysis) -> list[str]:
    """JSON files of numbers of a run, ``metrics/<name>.json``, in the order of numbers.csv."""
    if analysis.is_monitoring:
        return ["monitoring", *(["monitoring_study"] if analysis.has_study else []), "accounting"]
    if analysis.is_tagging:
        fitted = ["tagger_baselines"] if analysis.tagger_baselines else []
        names = ["samples", "tagging", "taggers", *fitted, "tagging_bins", "tagging_diagnostics"]
        return [*names, "accounting"]
    if analysis.is_regression:
        return ["samples", "regression", "accounting"]
    names = ["samples", "summary", "comparison", "models", "baselines", "diagnostics", "reach"]
    names.append("accounting")
    return [*names, "robustness"] if analysis.variations else names


def report_files(analysis: Analysis) -> dict[str, str]:
    """Files that the report links at its end, by title."""
    results = analysis.results
    configuration = {"Configuration": str(results.configuration)}
    names = [*report_numbers(analysis), "run_summary"]
    tables = results.hepdata / "submission.yaml"
    if analysis.is_monitoring:
        submission = {
            "Pages of the runs with alarms": str(results.run_pages / "index.html"),
            "Flags, JSON": str(results.flags),
            "Flagged towers, CSV": str(results.flag_table),
            "Flags, text": str(results.flag_text),
        }
        return {
            **configuration,
            **submission,
            **{f"{name}.json": str(results.numbers(name)) for name in names},
        }
    submission = {"HEPData submission": str(tables)} if analysis.is_search else {}
    return {
        **({EXPLORER: str(results.explorer)} if analysis.explored else {}),
        **configuration,
        "All numbers, CSV": str(results.all_numbers),
        **submission,
        **{f"{name}.json": str(results.numbers(name)) for name in names},
    }


def report_parameters(analysis: Analysis) -> dict[str, Any]:
    """Content of the page, as `calovision.stages.report.ReportOptions` takes it."""
    seed = analysis.configuration.seed
    return {
        "title": TITLES[analysis.task],
        "facts": report_facts(analysis),
        "sections": report_sections(analysis),
        "placeholders": text_values(analysis),
        "links": report_files(analysis),
        "foot": f"Seed {seed}. The same configuration gives the same numbers on one machine.",
    }


def explorer_parameters(analysis: Analysis) -> dict[str, Any]:
    """Content of the page to explore, as `calovision.stages.explore.ExploreOptions` takes it."""
    configuration = analysis.configuration
    names = configuration.compare.variable_names or ()
    titles, colors = class_titles(configuration), class_colors(configuration)
    if analysis.is_search:
        titles = {name: analysis.class_names[k] for k, name in enumerate(TWO_CLASSES)}
    return {
        "is_search": analysis.is_search,
        "title": TITLES[analysis.task],
        "class_titles": titles,
        "class_colors": colors if analysis.is_tagging else {},
        "sample_titles": analysis.training_titles,
        "variables": parameters.titles_of_row_variables(analysis),
        "classifiers": {
            name: SignedVariable.read(name).title(analysis.variables) for name in names
        },
        "n_gallery": configuration.plots.n_explored,
        "seed": configuration.seed,
        "luminosity_fb": configuration.luminosity_fb
        if analysis.is_search
        else parameters.any_luminosity_fb(),
        "background_uncertainty": configuration.reach.background_uncertainty,
        "least_n_eff": configuration.reach.least_n_eff,
        "axis": configuration.compare.axis,
        "report": analysis.results.report.name,
    }


# -- texts ---------------------------------------------------------------------------------------


def report_facts(analysis: Analysis) -> dict[str, str]:
    """Facts on top of the report, by title."""
    configuration = analysis.configuration
    (n_eta, n_phi), channels = analysis.cells_and_channels
    images = f"{n_eta} x {n_phi} cells; {', '.join(channels)}"
    if analysis.is_monitoring:
        return {
            "Runs of": _in_words(analysis.titles.values()),
            "Maps": images,
            "Methods": ", ".join(METHODS[one].title for one in configuration.monitoring.methods),
        }
    models = [f"{model} ({len(seeds)})" for model, seeds in analysis.seeds.items()]
    if analysis.is_regression:
        samples = _in_words(analysis.training_titles.values())
        of_rows = {
            "Target": in_words(parameters.target(analysis)["title"]),
            "Rows": f"{configuration.images.kind}s of {samples}",
        }
    elif analysis.is_tagging:
        titles = _in_words(class_titles(configuration).values())
        of_rows = {"Rows": f"{configuration.images.kind}s", "Classes": titles}
    else:
        of_rows = {
            "Signal": _in_words(analysis.titles_of_label(1)),
            "Background": _in_words(analysis.titles_of_label(0)),
            "Luminosity": f"{configuration.luminosity_fb} /fb",
        }
    return {
        **of_rows,
        "Images": images,
        "Models": ", ".join(models),
    }


def _in_words(titles: Iterable[str]) -> str:
    return ", ".join(map(in_words, titles))


def text_values(analysis: Analysis) -> dict[str, Any]:
    """Values that the texts and captions of the report show, by placeholder."""
    configuration = analysis.configuration
    images = configuration.images
    grid, channels = analysis.cells_and_channels
    variations = [name for name in analysis.variations if name != "nominal"]
    monitoring = configuration.monitoring
    if monitoring is not None:
        return {
            "false_alarms": f"{monitoring.false_alarms:.2g}",
            "alarm_methods": [METHODS[one].title for one in monitoring.alarm],
            "min_events": monitoring.min_events,
            "is_of_jets": False,
            "is_monitoring": True,
            "n_folds": 0,
        }
    return {
        "luminosity_fb": configuration.luminosity_fb,
        "signal": list(map(in_words, analysis.titles_of_label(1))),
        "background": list(map(in_words, analysis.titles_of_label(0))),
        "grid": list(grid),
        "eta_max": max(map(abs, images.eta_edges or images.eta_range)),
        "channels": list(channels),
        "models": list(analysis.models),
        "n_models": len(analysis.models),
        "n_networks": sum(map(len, analysis.seeds.values())),
        "n_folds": configuration.split.folds or 0,
        "fat_jet_eta_max": configuration.fat_jets.eta_max,
        "variations": [name.replace("_", " ") for name in variations],
        "preselection": dict(configuration.selection.preselection),
        "signal_region": configuration.selection.signal_region,
        "axis": configuration.compare.axis,
        "has_mass": configuration.compare.variables is None
        or "mj_sum" in configuration.compare.variables,
        "regions": dict(configuration.compare.regions),
        "is_monitoring": False,
        "is_tagging": analysis.is_tagging,
        "is_regression": analysis.is_regression,
        "target": in_words(parameters.target(analysis)["title"]) if analysis.is_regression else "",
        "is_relative": configuration.regression.residual == "relative",
        "has_fit": configuration.regression.fit,
        "is_of_jets": images.is_of_jets,
        "classes": list(map(in_words, class_titles(configuration).values())),
        "width": images.jets.image_recipe(configuration.fat_jets.radius).grid.width,
        "jets_per_event": images.jets.per_event,
        "jet_selection": dict(images.jets.selection),
        "binned": " and ".join(binned_variables(configuration)),
    }
