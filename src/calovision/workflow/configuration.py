"""Configuration of a workflow: every key with its type, unit, default and meaning.

`Configuration` is the laptop example; `Configuration.read` reads files that say what differs.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from calovision.conversion.variations import acting_on
from calovision.core.errors import InputError
from calovision.core.luminosity import LUMINOSITY_FB
from calovision.core.user_files import expand_path, read_yaml
from calovision.evaluation.baselines import BASELINES
from calovision.jets.substructure.variables import names_of_columns
from calovision.jets.variables import TAKEN_NAMES, VARIABLES, Variable
from calovision.workflow.classes import Class
from calovision.workflow.compare import Compare
from calovision.workflow.keys import (
    Choices,
    Name,
    Number,
    Section,
    Text,
    Unique,
    Whole,
    Word,
    key,
    meaning_of,
    plain_values,
)
from calovision.workflow.layers import check_plain_values, merge_layers, parse_texts, read_example
from calovision.workflow.monitoring import Monitoring
from calovision.workflow.paths import check_results_dir, expand_folder
from calovision.workflow.regression import RegressionKeys, check_target
from calovision.workflow.samples import EXAMPLE_SAMPLES, Sample, check_samples
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
from calovision.workflow.slices import gaps_in_slices
from calovision.workflow.tagging import Tagging
from calovision.workflow.tasks import MONITORING, REGRESSION, SEARCH, TAGGING
from calovision.workflow.training import Training
from calovision.workflow.variables import (
    OwnVariable,
    VariableName,
    check_inputs,
    check_own_variables,
)


def _with_mask(section: Any, where: str) -> Any:
    """Section with the path of its mask expanded."""
    if section.mask is None:
        return section
    path = expand_path(section.mask, f"configuration key '{where}.mask'")
    return section.model_copy(update={"mask": path})


RESULTS_OF = {TAGGING: "tagger", REGRESSION: "regression"}
"""Words for the results of tasks that have no search."""


class Configuration(Section):
    """Configuration of the calovision workflow."""

    results_dir: Text = key("results", "Folder of everything that is produced")
    seed: Whole = key(
        1,
        "Seed of simulation, split, training and combination",
        details="The same seed gives the same numbers on one machine.",
        ge=0,
        le=4_000_000_000,
    )
    luminosity_fb: Number = key(
        LUMINOSITY_FB,
        "Integrated luminosity (ATLAS 2015+2016, arXiv:1804.03568)",
        unit="1/fb",
        gt=0,
    )
    samples: dict[Name, Sample] = key(
        EXAMPLE_SAMPLES, "Samples by name, each simulated or read from files", min_length=1
    )
    classes: dict[Name, Class] = key(
        {},
        "Classes by name, in the order of their labels; none for background and signal",
        details="Of two the second is the signal; with more, with images of jets or classes of "
        "rows (`samples.<name>.label`), the results are those of a tagger.",
    )
    simulation: Simulation = key(Simulation)
    fat_jets: FatJets = key(FatJets)
    event_content: EventContent | None = key(
        EventContent,
        details="They are further columns of the image files. Files without towers or tracks need "
        "null (then leave `referee` out of `baselines`, too). With images of jets it is null "
        "unless it is given.",
    )
    variables: dict[VariableName, OwnVariable] = key(
        {}, "Variables of one's own by name, beside those of the jets and the event content"
    )
    selection: Selection = key(Selection)
    images: Images = key(Images)
    split: Split = key(Split)
    train: Training = key(Training, "Training of every model that does not differ")
    models: dict[Name, Training] = key(
        {"cnn": Training()},
        "Models by name: the keys of train that differ",
        details="The first is the CNN of the plots, its column is `cnn`; the others have their own "
        "names.",
        min_length=1,
        validate_default=True,
    )
    baselines: Annotated[
        tuple[Annotated[str, Field(strict=True), Choices(*BASELINES)], ...], Unique()
    ] = key(
        tuple(BASELINES.own),
        "Shallow classifiers on the event variables",
        details="Tuned on the validation split; they are listed below.",
    )
    baseline_variables: Annotated[tuple[Word, ...], Unique()] = key(
        (),
        "Further variables that all baselines see, beside their own",
        details="Those of the package or of `variables`.",
    )
    evaluate: Evaluate = key(Evaluate)
    compare: Compare = key(Compare)
    tagging: Tagging = key(Tagging)
    regression: RegressionKeys = key(RegressionKeys)
    reach: Reach = key(Reach)
    robustness: Robustness = key(Robustness)
    monitoring: Monitoring | None = key(
        None,
        meaning_of(Monitoring),
        details="With this section the run monitors, and trains no classifier: the samples have no "
        "labels. null: no monitoring.",
    )
    plots: Plots = key(Plots)

    @classmethod
    def from_mapping(cls, configuration: Mapping[str, Any]) -> Self:
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
        check_plain_values(configuration)
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
    def _check(self) -> Self:
        if len(self.classes) == 1:
            raise InputError("configuration key 'classes': give two or more, or none")
        self.images.check_kind()
        if self.monitoring is not None:
            for name, sample in self.samples.items():
                sample.check(name, needs_label=False)
            self.monitoring.check(self)
            return self
        if not self.selection.preselection and not self.images.is_of_jets:
            raise InputError(
                "configuration key 'selection.preselection': {} should be non-empty; give cuts"
            )
        self._check_targets()
        check_samples(self.samples, self.classes, are_labelled=self.target is None)
        if self.task != SEARCH:
            self._refuse_search()
        for name, sample in self.samples.items():
            if sample.is_imported and not self.is_tagging:
                raise InputError(
                    f"configuration key 'samples.{name}.images': image files are for taggers: give "
                    "images.kind: jet, or more than two classes"
                )
        taken = {*TAKEN_NAMES, *BASELINES, "cnn", *self.models}
        taken |= names_of_columns() if self.images.is_of_jets else set()
        for name, variable in self.variables.items():
            variable.check(name, taken)
        self._check_model_names()
        self._check_robustness()
        self.tagging.check(self)
        self.regression.check(self)
        for name in self.baselines if self.task == SEARCH else ():
            if BASELINES[name].needs_content and self.event_content is None:
                raise InputError(
                    f"configuration key 'baselines': '{name}' needs small-R jets; leave it out or "
                    "set event_content"
                )
        return self

    def _check_targets(self) -> None:
        """Raise InputError for a model with a target in a run without."""
        for name, model in self.models.items():
            if model.target is not None and self.target is None:
                raise InputError(
                    f"configuration key 'models.{name}.target': all models of a run learn one "
                    f"target; give it as train.target: {model.target}"
                )

    def _refuse_search(self) -> None:
        """Raise InputError for what compares signal and background of events with a search."""
        tagger = f"the results are those of a {RESULTS_OF[self.task]}, which has none"
        for name, sample in self.samples.items():
            if sample.is_of_reach:
                raise InputError(
                    f"configuration key 'samples.{name}.role': a sample of the reach, but "
                    f"{tagger}; leave it out"
                )
        for name, section, what in (
            ("reach", self.reach, "limits of a search"),
            ("robustness", self.robustness, "variations of the detector"),
            ("compare", self.compare, "curves and regions of a search"),
        ):
            nothing = {"variations": {}} if name == "robustness" else {}
            if section not in (type(section)(), type(section)(**nothing)):
                raise InputError(f"configuration key '{name}': {what}, but {tagger}; leave it out")

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

    @property
    def target(self) -> str | None:
        """Column that the networks learn in place of classes; None for classes."""
        return self.train.target

    @property
    def task(self) -> str:
        """Task of the run, one of `calovision.workflow.tasks.TASKS`: a regression with a target,
        that of a tagger where rows are jets, there are more than two classes, or rows of a sample
        have classes of their own.
        """
        if self.monitoring is not None:
            return MONITORING
        if self.target is not None:
            return REGRESSION
        of_rows = any(one.class_cuts for one in self.samples.values())
        if self.images.is_of_jets or len(self.classes) > 2 or of_rows:
            return TAGGING
        return SEARCH

    @property
    def is_tagging(self) -> bool:
        """The results are those of a tagger."""
        return self.task == TAGGING

    @property
    def jet_inputs(self) -> dict[str, Variable]:
        """Columns of jets that networks may take, by name; none where the rows are events."""
        return self.images.jets.inputs() if self.images.is_of_jets else {}

    @property
    def numbers_kept(self) -> dict[str, int]:
        """Numbers of points that are kept of a row, by their columns; those of events only with
        event_content.
        """
        content = self.event_content
        of_events = {} if content is None else content.numbers_kept
        return of_events | (self.images.jets.numbers_kept if self.images.is_of_jets else {})

    @property
    def own_variables(self) -> dict[str, Variable]:
        """Variables of the user's own by name."""
        return {name: one.to_variable(name) for name, one in self.variables.items()}

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
    ) -> Self:
        """Read, check and complete the configuration of a workflow, as Snakemake's jobs have it.

        Parameters
        ----------
        files
            Files that say what differs from the defaults; later ones win (`merge_layers`).
        values
            Values of the command line (``--config``), which win over all files; numbers may be
            text.
        base
            File between the defaults and ``files``; None for `EXAMPLE` if there is one.
        read
            Reader of one of ``files``; None for `read_yaml`.

        Raises
        ------
        InputError
            If a file cannot be read as `calovision.core.user_files.read_yaml` does, a value is
            wrong (`from_mapping`), or a path cannot be expanded (`with_paths`).
        """
        example = read_example(base, cls.model_fields)
        given = [read_yaml(one, "configuration") if read is None else read(one) for one in files]
        return cls.of_layers([*given, parse_texts(values or {}, cls)], example)

    @classmethod
    def of_module(cls, values: Mapping[str, Any]) -> Self:
        """Configuration that another workflow gives to this one as a module.

        Parameters
        ----------
        values
            What differs from the defaults; numbers may be text. No file is read.

        Raises
        ------
        InputError
            If a value is wrong (`from_mapping`), or a path cannot be expanded (`with_paths`).
        """
        return cls.of_layers([parse_texts(values, cls)])

    @classmethod
    def of_layers(
        cls, layers: Sequence[Mapping[str, Any]], example: Mapping[str, Any] | None = None
    ) -> Self:
        """Configuration of the defaults with changes on top, checked, its paths expanded.

        Parameters
        ----------
        layers
            Plain values that differ; later ones win (`merge_layers`).
        example
            Values between the defaults and these, whose samples, models and so on are examples,
            too.

        Raises
        ------
        InputError
            As `from_mapping` and `with_paths`.
        """
        defaults = cls().to_dict()
        base = merge_layers(defaults, [example or {}], [defaults])
        return cls.from_mapping(merge_layers(base, layers, [defaults, base])).with_paths()

    def with_paths(self) -> Self:
        """The same configuration with ``~``, ``$NAME`` and ``${NAME}`` replaced in its paths.

        Raises
        ------
        InputError
            As `calovision.core.user_files.expand_path`, with the key; or if the folder of the
            results is an address or blank.
        """
        samples = {name: sample.with_paths(name) for name, sample in self.samples.items()}
        monitoring = None if self.monitoring is None else self.monitoring.with_paths()
        folder = expand_folder(self.results_dir)
        sections = {
            "samples": samples,
            "monitoring": monitoring,
            "images": _with_mask(self.images, "images"),
            "robustness": self._robustness_with_paths(),
        }
        return self.model_copy(update={"results_dir": folder, **sections})

    def _robustness_with_paths(self) -> Robustness:
        variations = {
            name: _with_mask(one, f"robustness.variations.{name}")
            for name, one in self.robustness.variations.items()
        }
        return self.robustness.model_copy(update={"variations": variations})

    def _check_masks(self) -> None:
        """Raise InputError for masks that do not fit the images."""
        images, own = self.images, self.own_variables
        images.check_mask("images.mask", images.mask, own)
        for name, one in self.robustness.variations.items():
            images.check_mask(f"robustness.variations.{name}.mask", one.mask, own)
            if one.mask_fill is not None and one.mask is None and images.mask is None:
                raise InputError(
                    f"configuration key 'robustness.variations.{name}.mask_fill': there is no mask "
                    "whose cells it would fill; give 'mask', too"
                )

    def check_names(self) -> None:
        """Look up variables, channels, options, modules of the user, and titles.

        Raises
        ------
        InputError
            One sentence that names the key of the first unknown name, and the nearest known one.
        """
        self._check_titles()
        for name, sample in self.samples.items():
            sample.check_schema(name)
        if self.monitoring is not None:
            self.images.check_grid()
            self.monitoring.check_files()
            return
        own = self.own_variables
        known = {**VARIABLES, **own}
        check_own_variables(own, self.event_content)
        self.selection.check(with_content=self.event_content is not None, own=own)
        check_inputs("baseline_variables", self.baseline_variables, known, self.numbers_kept)
        self._check_compared()
        self.images.check_grid()
        self._check_masks()
        radius = self.fat_jets.radius
        self.images.jets.check_alternatives(radius)
        inputs = known | self.jet_inputs
        self.images.jets.check_selection(with_content=self.event_content is not None, own=own)
        for name, model in self.models.items():
            model.check_recipe(f"models.{name}", self.images.jets.alternatives)
            grid, channels = self.images.cells_and_channels(radius, model.recipe)
            model.check(f"models.{name}", channels, grid)
            model.check_variables(f"models.{name}", inputs, self.numbers_kept)
            of_jets = self.images.jet_columns
            model.check_weights(f"models.{name}", tuple(self.classes), known, of_jets)
        if self.target is not None:
            check_target(self)

    def _check_compared(self) -> None:
        from calovision.selection import cut_variables

        known = cut_variables(with_content=self.event_content is not None) | self.own_variables
        self.compare.check(self.models, self.baselines, known)

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
        titles |= {f"compare.regions.{name}": name for name in self.compare.regions}
        titles |= {
            f"variables.{name}.{part}": text
            for name, one in self.variables.items()
            for part, text in (("title", one.title), ("unit", one.unit))
            if text
        }
        titles |= {f"selection.preselection.{name}": name for name in self.selection.preselection}
        try:
            check_titles(titles)
        except InputError as error:
            raise InputError(f"configuration key {error}") from error
