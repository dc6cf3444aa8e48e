"""Parameters of jobs: plain values of the configuration, a change of which makes results again."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from calovision.conversion.variations import acting_on
from calovision.jets.signed import SignedVariable
from calovision.jets.substructure.variables import JET_MOMENTUM, JET_VARIABLES
from calovision.jets.variables import VARIABLES, Variable
from calovision.training.options import LOSS_OPTIONS
from calovision.workflow.analysis import Analysis
from calovision.workflow.chunks import EVENTS_PER_BATCH, Chunk
from calovision.workflow.configuration import Configuration
from calovision.workflow.keys import plain_values
from calovision.workflow.run_variables import input_of

MODEL_KEYS_OF_NO_RESULT = ("seeds", "test_rotations", "threads", "checkpoint_minutes", "recipe")
"""Keys of a model that are not options of its training, or decide nothing of what comes out; its
recipe decides which images it gets."""

IMAGE_KEYS_OF_NO_RESULT = ("events_per_job", "remote_retries", "chunk_size")
"""Keys of the images that decide how the work is shared, not what comes out."""

RUN_KEYS = ("run", "lumi_block", "per_lumi_block", "selection")
"""Keys of the monitoring that decide which events are those of a run."""

KEYS_OF_KIND = {
    "event": ("grid", "eta_range", "eta_edges", "channels", "mask", "mask_fill"),
    "jet": ("kind", "jets"),
}
"""Keys of the images that decide those of one kind."""


def any_luminosity_fb() -> float:
    """Luminosity where it cancels, 1/fb: another one in the configuration makes nothing again."""
    return Configuration.model_fields["luminosity_fb"].default


def simulation_job(
    analysis: Analysis, sample: str, chunk: str, variation: str | None = None
) -> dict[str, Any]:
    """Process, options, number of events and first event number of a job that simulates.

    Parameters
    ----------
    analysis
        The run.
    sample, chunk
        Names.
    variation
        Variation whose pile-up takes the place of the sample's; None for the nominal ntuples.
    """
    options = {**analysis.samples[sample].simulate.given(), "batch_size": EVENTS_PER_BATCH}
    changes = analysis.variations.get(variation, {})
    options |= acting_on(changes, "simulation")
    n_sample = options.pop("n_events")
    n_runs, faults = options.pop("runs", None), options.pop("faults", {})
    period = {"n_runs": n_runs, "n_events": n_sample, "faults": list(faults.values())}
    first, end = analysis.simulation_edges(sample)[int(chunk) : int(chunk) + 2]
    return {
        "process": options.pop("process"),
        "n_events": end - first,
        "first_event_number": first,
        "options": options,
        **({} if n_runs is None else {"runs": period}),
    }


def image_recipe(analysis: Analysis) -> dict[str, Any]:
    """Recipe of all image files; one parameter, as Snakemake takes its time over each."""
    configuration = analysis.configuration
    images = configuration.images
    unread = KEYS_OF_KIND["event" if images.is_of_jets else "jet"] + IMAGE_KEYS_OF_NO_RESULT
    content = configuration.event_content
    plain = {key: value for key, value in images.to_dict().items() if key not in unread}
    if images.is_of_jets:  # others make these images not again
        del plain["jets"]["alternatives"]
    return {
        "images": plain,
        "fat_jets": configuration.fat_jets.to_dict(),
        "event_content": None if content is None else content.to_dict(),
        "variation": None,
        "preselection": dict(configuration.selection.preselection),
        "seed": configuration.seed,
        "variables": _definitions(analysis.image_variables),
    }


def _definitions(variables: Mapping[str, Variable]) -> dict[str, dict[str, str]]:
    """Definitions that decide the values of variables of the user's own; titles do not."""
    return {name: one.definition() for name, one in variables.items()}


def own_variables(analysis: Analysis, purpose: str) -> dict[str, dict[str, str]]:
    """Variables of the user's own that jobs of a purpose may use (`Analysis.variables_for`)."""
    return _definitions(analysis.variables_for(purpose))


def variables_of_model(analysis: Analysis, model: str) -> dict[str, dict[str, str]]:
    """Variables of the user's own that a model takes."""
    return own_variables(analysis, input_of(model))


def variables_of_region(analysis: Analysis) -> dict[str, dict[str, str]]:
    """Variables of the user's own that the signal region needs."""
    return _definitions(analysis.variables_of_cuts(analysis.configuration.selection.signal_region))


def tabulated_variables(analysis: Analysis, purpose: str) -> dict[str, Any]:
    """Variables of a table, and the definition of the fat jets that they may be of."""
    return {
        "variables": _definitions(analysis.tabulated_variables(purpose)),
        "fat_jets": analysis.configuration.fat_jets.to_dict(),
    }


def titles_of_variables(analysis: Analysis) -> dict[str, str]:
    """Titles, with units, of variables of the user's own with one number an event."""
    own = analysis.own_variables.items()
    return {name: one.axis_title for name, one in own if not one.shape}


def varied_image_recipe(analysis: Analysis, variation: str) -> dict[str, Any]:
    """Recipe of the image files of a variation: with other fat jets, or other towers."""
    changes = analysis.variations[variation]
    nominal = image_recipe(analysis)
    return {
        **nominal,
        "images": nominal["images"] | acting_on(changes, "images"),
        "fat_jets": nominal["fat_jets"] | acting_on(changes, "fat_jets"),
        "variation": acting_on(changes, "towers") or None,
        "variables": _definitions(analysis.varied_image_variables),
    }


def alternative_image_recipe(analysis: Analysis, recipe: str) -> dict[str, Any]:
    """Recipe of the image files of an alternative: other images of the same jets."""
    nominal = image_recipe(analysis)
    steps = analysis.configuration.images.jets.alternatives[recipe]
    jets = nominal["images"]["jets"] | {"recipe": steps}
    return {**nominal, "images": nominal["images"] | {"jets": jets}}


def image_job(analysis: Analysis, sample: str, chunk: str) -> dict[str, Any]:
    """Files, sample and split of an image file."""
    return _image_job(analysis, sample, analysis.chunks[sample][chunk])


def run_map_job(analysis: Analysis, sample: str, chunk: str) -> dict[str, Any]:
    """Files of a file of run maps, and how they are read."""
    configured, section = analysis.samples[sample], analysis.configuration.monitoring
    return {
        "files": list(analysis.chunks[sample][chunk].files),
        "schema": configured.schema,
        "tree": configured.tree,
        **{name: getattr(section, name) for name in RUN_KEYS},
    }


def run_map_layout(analysis: Analysis) -> dict[str, Any]:
    """Cells, channels and thresholds of the maps of runs."""
    images = analysis.configuration.images.to_dict()
    layout = {name: images[name] for name in ("grid", "eta_range", "eta_edges", "channels")}
    return {**layout, "thresholds": dict(analysis.configuration.monitoring.thresholds)}


def good_runs(analysis: Analysis) -> dict[str, Any]:
    """Good runs, and which of them make the reference."""
    section = analysis.configuration.monitoring
    ranges = [list(one) for one in section.read_good_runs().ranges]
    return {"ranges": ranges, "held_out": section.held_out, "min_events": section.min_events}


def flag_options(analysis: Analysis) -> dict[str, Any]:
    """Methods, thresholds and rules of the flags."""
    section = analysis.configuration.monitoring
    names = ("methods", "alarm", "false_alarms", "consecutive_runs", "min_events")
    return {name: plain_values(getattr(section, name)) for name in names}


def fault_study(analysis: Analysis) -> dict[str, Any]:
    """Faults, numbers of events and of runs of the study, and the seed."""
    section = analysis.configuration.monitoring
    return {**section.study.to_dict(), "seed": analysis.configuration.seed}


def varied_image_job(analysis: Analysis, variation: str, sample: str, chunk: str) -> dict[str, Any]:
    """Files, sample and split of an image file of a variation."""
    return _image_job(analysis, sample, analysis.varied_chunk(variation, sample, chunk))


def _image_job(analysis: Analysis, name: str, chunk: Chunk) -> dict[str, Any]:
    sample = analysis.samples[name]
    classes: dict[str, Any] = {"classes": list(analysis.classes)} if analysis.classes else {}
    if sample.class_cuts:
        classes["class_cuts"] = dict(sample.class_cuts)
    # taggers and targets are learned and compared without cross-sections, which files may lack
    optional = {} if analysis.is_search else {"cross_section_required": False}
    split: dict[str, Any] = {"fractions": analysis.fractions(name)}
    if sample.split_group is not None:
        split["group"] = sample.split_group
    return {
        "chunk": chunk.to_parameter(),
        "sample": {
            "label": analysis.labels[name],
            **classes,
            **optional,
            "schema": sample.schema,
            "tree": sample.tree,
            "cross_section_pb": sample.cross_section_pb,
            "weights": None if sample.weights is None else sample.weights.given(),
        },
        "split": split,
    }


def training_options(analysis: Analysis, model: str) -> dict[str, Any]:
    """Options of the training of a model, as `calovision.training.TrainingOptions` takes them."""
    keys = analysis.models[model].to_dict().items()
    options = {key: value for key, value in keys if key not in MODEL_KEYS_OF_NO_RESULT}
    if analysis.is_regression and options["target_unit"] is None:
        options["target_unit"] = target(analysis)["unit"]
    return options


def target(analysis: Analysis) -> dict[str, str]:
    """Column, title and unit of the target."""
    name, unit = analysis.configuration.target, analysis.configuration.train.target_unit
    variable = (analysis.variables | analysis.configuration.jet_inputs)[name]
    return {
        "name": name,
        "title": variable.title,
        "unit": variable.unit if unit is None else unit,
    }


def loss_options(train: Mapping[str, Any]) -> dict[str, Any]:
    """Weights of the loss, of the section ``train``."""
    return {name: train[name] for name in LOSS_OPTIONS}


def loss_luminosity_fb(analysis: Analysis, weights: str) -> float:
    """Luminosity in the weights of a loss, 1/fb: it cancels within a class, not in a logarithm."""
    return analysis.configuration.luminosity_fb if weights == "log1p" else any_luminosity_fb()


def scoring_options(analysis: Analysis, model: str) -> dict[str, Any]:
    """Options of the scores of a model: as in its training, but for fp16, which is for
    gradients.
    """
    options = analysis.models[model]
    return {
        "device": options.device,
        "n_rotations": options.test_rotations,
        "precision": "auto" if options.precision == "fp16" else options.precision,
    }


def application_job(analysis: Analysis, sample: str, file: str) -> dict[str, Any]:
    """File of a sample that gets scores, and how it is read."""
    configured = analysis.samples[sample]
    (path,) = analysis.application_chunks[sample][file].files
    return {"file": path, "schema": configured.schema, "tree": configured.tree}


def n_gpus(analysis: Analysis, model: str) -> int:
    """GPUs that the training of a model asks a farm for; ``auto`` takes one only where there is
    one.
    """
    options = analysis.models[model]
    return options.n_devices if options.device == "gpu" else 0


def folds(analysis: Analysis) -> dict[str, Any] | None:
    """Arguments of `calovision.core.splits.Folds`; None without folds."""
    return None if analysis.folds is None else asdict(analysis.folds)


def compared(analysis: Analysis) -> dict[str, Any]:
    """Content of the tables, as `calovision.evaluation.compared.Compared` takes it."""
    compare = analysis.configuration.compare
    return {
        "variables": compare.variable_names,
        "regions": dict(compare.regions),
        "per_sample": compare.per_sample,
        "signal_efficiencies": list(compare.signal_efficiencies),
    }


def shown_curves(analysis: Analysis) -> dict[str, Any]:
    """Curves of the figures, as `calovision.stages.figures.performance.ShownCurves` takes them."""
    compare = analysis.configuration.compare
    variables = compare.variable_names
    titles = {name: SignedVariable.read(name).title(analysis.variables) for name in variables or ()}
    return {
        "classifiers": compare.shown(analysis.first_model),
        "variables": variables,
        "titles": titles,
        "sample_titles": analysis.training_titles if compare.per_sample else {},
        "axis": compare.axis,
        "per_sample": compare.per_sample,
    }


def compared_taggers(analysis: Analysis) -> dict[str, Any]:
    """Discriminants, signal efficiencies and bins of `calovision.stages.tagging.TaggerOptions`."""
    return analysis.configuration.tagging.to_dict()


def compared_regressors(analysis: Analysis) -> dict[str, Any]:
    """Section ``regression``, as `calovision.stages.regression.RegressionOptions` takes it."""
    return analysis.configuration.regression.to_dict()


def titles_of_row_variables(analysis: Analysis) -> dict[str, str]:
    """Titles, with units, of the variables of jets, of events, and of the user's own."""
    known = {**VARIABLES, **JET_MOMENTUM, **JET_VARIABLES, **analysis.own_variables}
    return {name: one.axis_title for name, one in known.items()}


def signal_masses(analysis: Analysis) -> dict[str, float | None]:
    """Masses of all signals, GeV."""
    samples = analysis.samples.items()
    return {
        name: sample.mass
        for name, sample in samples
        if analysis.labels[name] == 1 and not sample.is_applied
    }


def reach_classifiers(analysis: Analysis) -> list[str]:
    """Classifiers of the reach: the CNN with and without the jets, other models, baselines."""
    others = [name for name in analysis.models if name != analysis.first_model]
    return ["cnn", "cnn+jets", *others, *analysis.configuration.baselines]
