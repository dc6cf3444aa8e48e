"""Parameters and files of the rules that account for the events of a run."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from calovision.ntuples.paths import with_tree
from calovision.workflow import parameters
from calovision.workflow.analysis import Analysis
from calovision.workflow.chunks import Chunk


def image_account_parameters(analysis: Analysis) -> dict[str, Any]:
    """Choices of `calovision.stages.image_accounts.ImageAccountOptions`."""
    samples = [*analysis.training_samples, *analysis.reach_samples]
    return {
        "sources": {
            name: None if name in analysis.imported_files else _sources(analysis, name, chunks)
            for name, chunks in ((one, _chunks(analysis, one)) for one in samples)
        },
        "varied_sources": {
            variation: {
                name: _sources(analysis, name, _varied_chunks(analysis, variation, name))
                for name in analysis.training_samples
            }
            for variation in analysis.variations
        },
        "recipes": analysis.alternatives,
    }


def accounting_parameters(analysis: Analysis) -> dict[str, Any]:
    """Choices of `calovision.stages.accounting.AccountingOptions`."""
    configuration = analysis.configuration
    return {
        "networks": analysis.networks,
        "recipes": analysis.alternatives,
        "recipe_of": {name: model.recipe for name, model in analysis.models.items()},
        "folds": parameters.folds(analysis),
        "luminosity_fb": configuration.luminosity_fb if analysis.is_search else None,
        "target": parameters.target(analysis)["name"] if analysis.is_regression else None,
        "is_relative": analysis.is_regression and configuration.regression.residual == "relative",
        "varied_models": dict.fromkeys(analysis.variations, analysis.robustness_models),
        "applied_sources": {
            name: _applied(analysis, name, chunks.values())
            for name, chunks in analysis.application_chunks.items()
        },
        "definitions": parameters.own_variables(analysis, "comparison"),
    }


def run_sources(analysis: Analysis) -> dict[str, Any]:
    """ROOT files of the runs, by sample."""
    return {name: _sources(analysis, name, _chunks(analysis, name)) for name in analysis.chunks}


def ntuples_of_runs(analysis: Analysis) -> list[str]:
    """ROOT files of the runs that are here."""
    chunks = [chunk for name in analysis.chunks for chunk in _chunks(analysis, name)]
    return list(dict.fromkeys(file for chunk in chunks for file in chunk.local_files()))


def ntuples_of_applications(analysis: Analysis) -> list[str]:
    """ROOT files that only get scores and are here."""
    chunks = [one for of_one in analysis.application_chunks.values() for one in of_one.values()]
    return list(dict.fromkeys(file for chunk in chunks for file in chunk.local_files()))


def _applied(analysis: Analysis, sample: str, chunks: Iterable[Chunk]) -> dict[str, Any]:
    """ROOT files that only get scores; they are read as those of the training where nothing else is
    said.
    """
    own = analysis.samples[sample]
    names = [*analysis.training_samples, *analysis.reach_samples]
    known = {(analysis.samples[name].schema, analysis.samples[name].tree) for name in names}
    is_own = own.schema is not None or own.tree is not None or len(known) > 1
    schema, tree = (own.schema, own.tree) if is_own else known.pop()
    files = [with_tree(file, tree) for chunk in chunks for file in chunk.files]
    return {"files": files, "schema": schema}


def ntuples_of_images(analysis: Analysis) -> list[str]:
    """ROOT files of all image files of a run that are here; addresses are none."""
    samples = [*analysis.training_samples, *analysis.reach_samples]
    chunks = [chunk for name in samples for chunk in _chunks(analysis, name)]
    for variation in analysis.variations:
        for name in analysis.training_samples:
            chunks += _varied_chunks(analysis, variation, name)
    return list(dict.fromkeys(file for chunk in chunks for file in chunk.local_files()))


def alternative_lists(analysis: Analysis) -> list[Path]:
    """Lists of the image files of other recipes."""
    pattern = str(analysis.results.alternative_image_list)
    return [Path(pattern.format(recipe=name)) for name in analysis.alternatives]


def table_of_rows(analysis: Analysis) -> Path:
    """Table of the test events or rows, which all numbers of the comparison are of."""
    return analysis.results.test_events if analysis.is_search else analysis.results.test_rows


def _chunks(analysis: Analysis, sample: str) -> list[Chunk]:
    return list(analysis.chunks.get(sample, {}).values())


def _varied_chunks(analysis: Analysis, variation: str, sample: str) -> list[Chunk]:
    return [
        analysis.varied_chunk(variation, sample, chunk) for chunk in analysis.varied_chunks[sample]
    ]


def _sources(analysis: Analysis, sample: str, chunks: Iterable[Chunk]) -> dict[str, Any]:
    """ROOT files of a sample by the names that image files have of them, and how they are read."""
    configured = analysis.samples[sample]
    files = dict.fromkeys(file for chunk in chunks for file in chunk.files)
    return {
        "files": [with_tree(file, configured.tree) for file in files],
        "schema": configured.schema,
    }
