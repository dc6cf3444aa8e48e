"""Configuration of a workflow: every key with its type, unit, default and meaning.

`Configuration` is the laptop example; `Configuration.read` reads files that say what differs.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from calovision.conversion.variations import acting_on
from calovision.core.errors import InputError
from calovision.core.user_files import read_yaml
from calovision.evaluation.baselines import BASELINES
from calovision.jets.variables import EVENT_COLUMNS, VARIABLES
from calovision.workflow.keys import (
    Choices,
    Name,
    Number,
    Section,
    Text,
    Unique,
    Whole,
    key,
    plain_values,
)
from calovision.workflow.layers import merge_layers, parse_texts
from calovision.workflow.paths import check_results_dir, expand_folder
from calovision.workflow.samples import Sample, Simulate, check_samples, gaps_in_slices
from calovision.workflow.sections import (
    Evaluate,
    EventContent,
    FatJets,
    Images,
    Plots,
    Reach,
    Robustness,
    Selection,
    Simulation,
    Split,
)
from calovision.workflow.sentences import input_error
from calovision.workflow.training import Training

EXAMPLE = Path("config/config.yaml")
"""File of the working folder, read (if there is one) between the defaults and the user's files."""

TAKEN_NAMES = {
    *("sample", *EVENT_COLUMNS, "weight_variations", "overflow", "signal_region"),
    *VARIABLES,
}
"""Columns of the table of test events, and the classifiers that are no models."""

EXAMPLE_SAMPLES = {
    "rpv_1400_850": Sample(
        label=1,
        title="RPV gluinos",
        cross_section_pb=0.0252977,  # NLO+NLL (physics case: arXiv:1711.03573)
        simulate=Simulate(
            process="rpv_gluinos", mass_gluino=1400, mass_neutralino=850, n_events=3000
        ),
    ),
    "qcd": Sample(
        label=0,
        title="QCD multijets",
        cross_section_pb=2040.1,  # Pythia 8 leading order: the sum of the slices JZ4 to JZ7
        simulate=Simulate(
            process="qcd", pt_hat_min=400, pt_hat_max=2500, bias_power=2, n_events=20000
        ),
    ),
}


class Configuration(Section):
    """Configuration of the calovision workflow."""

    results_dir: Text = key("results", "Folder of everything that is produced")
    seed: Whole = key(
        1,
        "Seed of simulation, split, training and combination",
        details="The same seed gives the same numbers on one machine.",
        ge=0,
    )
    luminosity_fb: Number = key(
        36.1,
        "Integrated luminosity (ATLAS 2015+2016, arXiv:1804.03568)",
        unit="1/fb",
        gt=0,
    )
    samples: dict[Name, Sample] = key(
        EXAMPLE_SAMPLES, "Samples by name, each simulated or read from files", min_length=2
    )
    simulation: Simulation = key(Simulation, "How the example's ntuples are simulated")
    fat_jets: FatJets = key(FatJets, "Which fat jets count")
    event_content: EventContent | None = key(
        EventContent,
        "Small-R jets, event shapes, counts; null leaves them out",
        details="They are further columns of the image files. Files without towers or tracks need "
        "null (then leave `referee` out of `baselines`, too).",
    )
    selection: Selection = key(Selection, "Cuts on the event variables")
    images: Images = key(Images, "What the event images hold")
    split: Split = key(Split, "Which events train, validate and test")
    train: Training = key(Training, "Training of every model that does not differ")
    models: dict[Name, Training] = key(
        {"cnn": Training()},
        "Models by name: the keys of train that differ",
        details="The first is the CNN of the plots, its column is `cnn`; the others have their own "
        "names.",
        min_length=1,
    )
    baselines: Annotated[
        tuple[Annotated[str, Field(strict=True), Choices(*BASELINES)], ...], Unique()
    ] = key(
        tuple(BASELINES.own),
        "Shallow classifiers on the event variables",
        details="Tuned on the validation split. `logistic_regression`, `adaboost`, "
        "`gradient_boosting`, `mlp` see the 23 jet "
        "variables of the case study, `referee` (boosted trees) those with small-R jets, shapes "
        "and counts.",
    )
    evaluate: Evaluate = key(Evaluate, "Where classifiers are compared")
    reach: Reach = key(Reach, "Expected significance and limits")
    robustness: Robustness = key(Robustness, "How efficiencies move in another detector")
    plots: Plots = key(Plots, "What the report shows")

    @classmethod
    def from_mapping(cls, configuration: Mapping[str, Any]) -> "Configuration":
        """Check plain values, as a file has them; no file is opened.

        Parameters
        ----------
        configuration
            Values by key; the defaults stand for keys that are left out.

        Raises
        ------
        InputError
            One sentence that names the first key that is mistyped, missing, or has a wrong value.
        """
        _check_values(configuration, ())
        try:
            return cls.model_validate(dict(configuration))
        except ValidationError as error:
            raise input_error(error, cls) from None

    @field_validator("models", mode="after")
    @classmethod
    def _complete_models(
        cls, models: dict[str, Training], info: ValidationInfo
    ) -> dict[str, Training]:
        train = info.data.get("train", Training())
        return {name: train.changed_by(changes) for name, changes in models.items()}

    @model_validator(mode="after")
    def _check(self) -> "Configuration":
        check_samples(self.samples)
        self._check_model_names()
        self._check_robustness()
        for name in self.baselines:
            if BASELINES[name].needs_content and self.event_content is None:
                raise InputError(
                    f"configuration key 'baselines': '{name}' needs small-R jets; leave it out or "
                    "set event_content"
                )
        return self

    def _check_model_names(self) -> None:
        """Raise InputError for a model with the name of something else in the results."""
        for position, name in enumerate(self.models):
            owner = None
            if name in self.baselines:
                owner = "that of a baseline"
            elif name == "cnn" and position > 0:
                owner = "that of the first model"
            elif name in TAKEN_NAMES:
                owner = "an event variable or column"
            if owner is not None:
                raise InputError(
                    f"configuration key 'models.{name}': in the results this name is {owner}; "
                    "choose another"
                )

    def _check_robustness(self) -> None:
        """Raise InputError for an unknown model, or pile-up in events that are not simulated."""
        for name in self.robustness.models:
            if name not in self.models:
                raise InputError(
                    f"configuration key 'robustness.models': there is no model '{name}'; choose "
                    f"from {', '.join(self.models)}"
                )
        read = [name for name, one in self.samples.items() if one.files and one.is_trained]
        for variation, changes in self.robustness.variations.items():
            simulated = acting_on(plain_values(changes, given_only=True), "simulation")
            if simulated and read:
                name = next(iter(simulated))
                raise InputError(
                    f"configuration key 'robustness.variations.{variation}.{name}': sample "
                    f"{read[0]} is read from files, and {name.replace('_', '-')} is simulated; "
                    "leave it out"
                )

    def gaps_in_slices(self) -> list[str]:
        """Sentences on slices of pT-hat of one process that are missing, or overlap."""
        return gaps_in_slices(self.samples)

    @classmethod
    def read(
        cls,
        files: Iterable[Path] = (),
        values: Mapping[str, Any] | None = None,
        *,
        base: Path | None = None,
        read: Callable[[Path], dict[str, Any]] | None = None,
    ) -> "Configuration":
        """Read, check and complete the configuration of a workflow, as Snakemake's jobs have it.

        Parameters
        ----------
        files, values, base, read
            As of `read_configuration`.

        Raises
        ------
        InputError
            If a file cannot be read as `calovision.core.user_files.read_yaml` does, a value is
            wrong (`from_mapping`), or a path cannot be expanded (`with_paths`).
        """
        return cls.from_mapping(
            read_configuration(files, values, base=base, read=read)
        ).with_paths()

    @classmethod
    def of_module(cls, values: Mapping[str, Any]) -> "Configuration":
        """The configuration that another workflow gives to this one as a module.

        Parameters
        ----------
        values
            What differs from the defaults; no file is read.

        Raises
        ------
        InputError
            If a value is wrong (`from_mapping`), or a path cannot be expanded (`with_paths`).
        """
        merged = merge_configurations(default_configuration(), [from_command_line(values)])
        return cls.from_mapping(merged).with_paths()

    def with_paths(self) -> "Configuration":
        """The same configuration with ``~``, ``$NAME`` and ``${NAME}`` replaced in its paths.

        Raises
        ------
        InputError
            As `calovision.core.user_files.expand_path`, with the key; or if the folder of the
            results is an address or blank.
        """
        samples = {name: sample.with_paths(name) for name, sample in self.samples.items()}
        return self.model_copy(
            update={"results_dir": expand_folder(self.results_dir), "samples": samples}
        )

    def check_names(self) -> None:
        """Look up variables, channels, options, modules of the user, and titles.

        Raises
        ------
        InputError
            One sentence that names the key of the first unknown name, and the nearest known one.
        """
        self._check_titles()
        self.selection.check(with_content=self.event_content is not None)
        self.images.check_grid()
        for name, model in self.models.items():
            model.check(f"models.{name}", self.images.channels, self.images.grid)
            model.check_variables(f"models.{name}", self.event_content)
        for name, sample in self.samples.items():
            sample.check_schema(name)

    def check_before_run(self, *, warn: Callable[[str], None]) -> None:
        """Check what a job may meet hours later: names, and the folder of the results.

        Parameters
        ----------
        warn
            Receives sentences on what is allowed, but perhaps not meant.

        Raises
        ------
        InputError
            As `check_names` and `check_results_dir`.
        """
        self.check_names()
        check_results_dir(Path(self.results_dir))
        for gap in self.gaps_in_slices():
            warn(gap)

    def _check_titles(self) -> None:
        """Raise InputError for a title of a sample or a cut that cannot be set."""
        from calovision.core.titles import check_titles

        titles = {
            f"samples.{name}.title": sample.title
            for name, sample in self.samples.items()
            if sample.title is not None
        }
        titles |= {f"selection.preselection.{name}": name for name in self.selection.preselection}
        try:
            check_titles(titles)
        except InputError as error:
            raise InputError(f"configuration key {error}") from error


def default_configuration() -> dict[str, Any]:
    """Plain value of every key: the laptop example, as config/config.yaml shows it."""
    return Configuration().to_dict()


def read_configuration(
    files: Iterable[Path] = (),
    values: Mapping[str, Any] | None = None,
    *,
    base: Path | None = None,
    read: Callable[[Path], dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Merge the files of a configuration; `Configuration.from_mapping` checks the values.

    Parameters
    ----------
    files
        Files that say what differs from the defaults; later ones win (`merge_configurations`).
    values
        Values of the command line (``--config``), which win over all files; numbers may be text.
    base
        File between the defaults and ``files``; None for `EXAMPLE` if there is one.
    read
        Reader of one of ``files``; None for `read_yaml`.

    Raises
    ------
    InputError
        If a file cannot be read as `calovision.core.user_files.read_yaml` does.
    """
    configuration = default_configuration()
    if base is None and EXAMPLE.is_file():
        base = EXAMPLE
    if base is not None:
        configuration = merge_configurations(configuration, [_read_base(base)])
    layers = [read_yaml(file, "configuration") if read is None else read(file) for file in files]
    return merge_configurations(configuration, [*layers, from_command_line(values or {})])


def _read_base(file: Path) -> dict[str, Any]:
    """The file of the working folder, which nobody named: it may be that of another workflow."""
    content = read_yaml(file, "configuration")
    for name in content:
        if name not in Configuration.model_fields:
            raise InputError(
                f"configuration key '{name}' of {file}, which is read since it is in the working "
                "folder: there is no such key; if the file belongs to another workflow, run in "
                "another folder (--directory)"
            )
    return content


def from_command_line(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the command line, or of a module, with text replaced by what it stands for."""
    return parse_texts(values, Configuration)


def merge_configurations(
    base: Mapping[str, Any], layers: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Apply changes to a configuration one after the other, as `layers.merge_layers`.

    The samples, models and so on of the defaults and of ``base`` are examples.
    """
    return merge_layers(base, layers, [default_configuration(), base])


def _check_values(value: Any, path: tuple[str, ...]) -> None:
    """Raise InputError for keys that are no text (from Python) and numbers that are not finite."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            if not isinstance(name, str):
                raise InputError(
                    f"configuration key '{'.'.join((*path, str(name)))}': {name!r} is no text; "
                    f"write it in quotes, '{name}'"
                )
            _check_values(one, (*path, name))
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            _check_values(one, (*path, str(number)))
    elif isinstance(value, float) and not isfinite(value):
        raise InputError(
            f"configuration key '{'.'.join(path)}': {value} is no finite number; give one"
        )


def check_configuration(configuration: Mapping[str, Any]) -> None:
    """Check plain values, as `Configuration.from_mapping` does."""
    Configuration.from_mapping(configuration)


def check_names(configuration: Mapping[str, Any]) -> None:
    """Look up the names in plain values, as `Configuration.check_names` does."""
    Configuration.from_mapping(configuration).check_names()


def expand_paths(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values with paths expanded, as `Configuration.with_paths` does."""
    return Configuration.from_mapping(configuration).with_paths().to_dict()
