"""Facts of a run by its configuration: samples, files and chunks, models, seeds, variations."""

from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import islice, pairwise
from math import ceil
from pathlib import Path
from typing import Any

from calovision.conversion.variations import acting_on
from calovision.core.splits import SPLITS, Folds
from calovision.monitoring.methods import METHODS
from calovision.workflow.chunks import (
    Chunk,
    count_simulation_jobs,
    cut_sample,
    has_shared_counts,
    simulation_edges,
)
from calovision.workflow.classes import label_number
from calovision.workflow.configuration import Configuration
from calovision.workflow.folds import check_folds
from calovision.workflow.image_files import check_image_files, find_image_files
from calovision.workflow.ntuple_files import (
    NtupleFiles,
    check_branches,
    check_class_cuts,
    check_shared_files,
    count_entries,
    files_beside,
    find_files,
    names_of_outputs,
    read_friends,
)
from calovision.workflow.results import Results, fill
from calovision.workflow.rules import RULES
from calovision.workflow.run_variables import RunVariables, input_of
from calovision.workflow.samples import Sample
from calovision.workflow.tasks import MONITORING, NETWORK_TASKS, REGRESSION, SEARCH, TAGGING
from calovision.workflow.variables import check_varied


class Analysis(RunVariables):
    """Facts of a run, derived from its configuration; those of its variables are in `RunVariables`.

    Samples, models and variations keep the order of the configuration. ROOT files are looked for,
    and their entries counted, when they are first asked for.

    Parameters
    ----------
    configuration
        Configuration with expanded paths.
    is_main
        True looks at files for changes since their entries were counted; a job takes the
        numbers of the process that submitted it.

    Attributes
    ----------
    samples, models
        Those of the configuration, by name.
    results
        Paths of the results.
    titles, training_titles
        Title in plots of each sample, and of those of the training.
    simulated_samples
        Names of the samples that are simulated; others are read from files.
    training_samples, reach_samples, application_samples
        Names of the samples of the training and the comparison, of the signals of other masses
        that only the reach looks at, and of those whose files only get scores.
    labels
        Label of each sample, `calovision.core.classes.OF_ROWS` where it is that of each row; 0
        where a target is learned and it has none.
    classes
        Those of the configuration, by name; none for background and signal.
    first_model
        Model that is the CNN of the comparison.
    seeds
        Seeds of the networks of each model.
    """

    def __init__(self, configuration: Configuration, *, is_main: bool = True) -> None:
        self.configuration = configuration
        self.is_main = is_main
        self.samples = configuration.samples
        self.models = configuration.models
        self.classes = configuration.classes
        self.labels = {
            name: 0
            if one.label is None and configuration.target is not None
            else label_number(one.label, self.classes)
            for name, one in self.samples.items()
        }
        self.results = Results(Path(configuration.results_dir))
        self.titles = {name: one.title or name for name, one in self.samples.items()}
        self.simulated_samples = [name for name, one in self.samples.items() if one.is_simulated]
        self.training_samples = [name for name, one in self.samples.items() if one.is_trained]
        self.reach_samples = [name for name, one in self.samples.items() if one.is_of_reach]
        self.application_samples = [name for name, one in self.samples.items() if one.is_applied]
        self.training_titles = {name: self.titles[name] for name in self.training_samples}
        self.first_model = next(iter(self.models))
        first = configuration.seed
        self.seeds = {name: list(range(first, first + m.seeds)) for name, m in self.models.items()}

    @property
    def task(self) -> str:
        """Task of the run, one of `calovision.workflow.tasks.TASKS`."""
        return self.configuration.task

    @property
    def is_tagging(self) -> bool:
        """The results are those of a tagger: rows are jets, or there are more than two classes."""
        return self.task == TAGGING

    @property
    def is_search(self) -> bool:
        """Signal and background of events are compared with the cuts of a search."""
        return self.task == SEARCH

    @property
    def is_regression(self) -> bool:
        """A number of each row is learned, not its class."""
        return self.task == REGRESSION

    @property
    def is_monitoring(self) -> bool:
        """Runs of a detector are watched."""
        return self.task == MONITORING

    @property
    def has_many_classes(self) -> bool:
        """There are more than two classes."""
        return len(self.classes) > 2

    @property
    def has_preselection(self) -> bool:
        """Events are cut on; those of images of events always are."""
        return bool(self.configuration.selection.preselection)

    @property
    def has_jet_cuts(self) -> bool:
        """Rows are jets that are cut on."""
        images = self.configuration.images
        return images.is_of_jets and bool(images.jets.selection)

    def look_for_files(self) -> None:
        """Find all ROOT files and cut them into chunks, so that a wrong path shows before any job.

        Raises
        ------
        InputError
            As `chunks` and, in the main process, `check_shared_files`, `check_folds`,
            `check_branches`, `check_class_cuts`, `check_image_files` and `check_varied`.
        """
        if self.is_main:
            check_shared_files(self.samples, self.ntuples)
            check_folds(self.configuration.split.folds, self.samples, self.ntuples, self.classes)
            self._check_branches()
            check_class_cuts(
                self.samples,
                self.ntuples,
                of_jets=self.configuration.images.is_of_jets,
                trimmed=self.configuration.fat_jets.groomed,
            )
            own = self.own_variables.values()
            check_image_files(self.configuration, self.imported_files, own)
            check_varied(self.varied_image_variables, self.variations)
        _ = (self.chunks, self.imported_files, self.varied_chunks, self.application_chunks)

    def _check_branches(self) -> None:
        """Look for the branches of variables; files that only get scores need those of the cuts and
        of the first model.
        """
        trimmed = self.configuration.fat_jets.groomed
        scored = self.image_variables | self.variables_for(input_of(self.first_model))
        for is_applied, variables in ((False, self.own_variables), (True, scored)):
            chosen = {n: one for n, one in self.samples.items() if one.is_applied == is_applied}
            check_branches(chosen, self.ntuples, variables, trimmed=trimmed)

    def wildcard_constraints(self) -> dict[str, str]:
        """Patterns of the wildcards: the names that there are."""
        return {
            "sample": "|".join(self.samples),
            "chunk": r"\d+",
            "model": "|".join(self.models),
            "variation": "|".join(self.variations or ["none"]),
            "purpose": "|".join(self.purposes or ["none"]),
            "recipe": "|".join(self.configuration.images.jets.alternatives or ["none"]),
            "seed": r"\d+",
            "fold": r"/fold\d+" if self.folds else "(?:)",
            "method": "|".join(self.trained_methods or ["none"]),
        }

    # -- resources, as Snakemake asks for them -----------------------------------------------------

    def memory(self, rule: str) -> Callable[[Mapping[str, str], int], int]:
        """Memory of a job of a rule, MB, by its wildcards and the attempt."""

        def memory(wildcards: Mapping[str, str], attempt: int) -> int:
            grid, _ = self.cells_and_channels_of(wildcards.get("model", self.first_model))
            return RULES[rule].memory(attempt, grid)

        return memory

    def runtime(self, rule: str) -> Callable[[object, int], int]:
        """Time of a job of a rule, minutes, by its wildcards and the attempt."""
        return lambda wildcards, attempt: RULES[rule].runtime(attempt)

    def threads(self, rule: str) -> Callable[[Mapping[str, str]], int]:
        """Cores of a job of a rule by its wildcards: of the rule, or of the model; the first model
        where a rule has no other.
        """
        threads = RULES[rule].threads
        if threads is not None:
            return lambda wildcards: threads
        return lambda wildcards: self.models[wildcards.get("model", self.first_model)].threads

    @cached_property
    def single_rules(self) -> list[str]:
        """Rules that run once, with one job for all images."""
        return [name for name, rule in RULES.items() if rule.is_single and self.has_rule(rule.name)]

    def has_rule(self, name: str) -> bool:
        """Tell whether the run has a rule of `RULES`."""
        rule = RULES[name]
        return (
            (bool(self.variations) or not rule.is_of_variations)
            and (bool(self.alternatives) or not rule.is_of_alternatives)
            and (not rule.tasks or self.task in rule.tasks)
            and not (name == "fit_tagger_baselines" and not self.tagger_baselines)
            and not (name == "train_monitor" and not self.trained_methods)
            and not (name == "study_faults" and not self.has_study)
        )

    @cached_property
    def cells_and_channels(self) -> tuple[tuple[int, int], tuple[str, ...]]:
        """Cells in eta and in phi of the images, and their channels."""
        configuration = self.configuration
        return configuration.images.cells_and_channels(configuration.fat_jets.radius)

    def cells_and_channels_of(self, model: str) -> tuple[tuple[int, int], tuple[str, ...]]:
        """The same of the images that a model looks at."""
        recipe = self.models[model].recipe
        if recipe is None:
            return self.cells_and_channels
        configuration = self.configuration
        return configuration.images.cells_and_channels(configuration.fat_jets.radius, recipe)

    # -- samples ---------------------------------------------------------------------------------

    def titles_of_label(self, label: int) -> list[str]:
        """Titles of the samples of the training with a label."""
        return [self.titles[name] for name in self.training_samples if self.labels[name] == label]

    @cached_property
    def class_names(self) -> dict[int, str]:
        """Title of each class in plots by label: that of its sample, if it has only one and no
        name.
        """
        if self.classes:
            return {i: one.title or name for i, (name, one) in enumerate(self.classes.items())}
        names = {}
        for label, name in ((1, "Signal"), (0, "Background")):
            titles = self.titles_of_label(label)
            names[label] = titles[0] if len(titles) == 1 else name
        return names

    @cached_property
    def compared_samples(self) -> list[str]:
        """Samples with a curve of their own: those that share their class with others."""
        if not self.configuration.compare.per_sample:
            return []
        labels = [self.labels[name] for name in self.training_samples]
        pairs = zip(self.training_samples, labels, strict=True)
        return [name for name, label in pairs if labels.count(label) > 1]

    def fractions(self, sample: str) -> list[float]:
        """Fractions of the events that train, validate and test; all of the reach are test."""
        if self.samples[sample].is_trained:
            return list(self.configuration.split.fractions)
        return [int(name == "test") for name in SPLITS]

    @cached_property
    def folds(self) -> Folds | None:
        """Folds of the samples of the training; None without any."""
        split = self.configuration.split
        if split.folds is None:
            return None
        train, validation, _ = split.fractions
        share = validation / (train + validation)
        return Folds(split.folds, self.configuration.seed, share)

    def network_fractions(self, sample: str) -> list[float]:
        """Fractions of the events that train, validate and test one network."""
        if self.folds is None or not self.samples[sample].is_trained:
            return self.fractions(sample)
        test = 1 / self.folds.number
        validation = (1 - test) * self.folds.validation_share
        return [1 - test - validation, validation, test]

    # -- files and chunks ------------------------------------------------------------------------

    def simulation_edges(self, sample: str) -> tuple[int, ...]:
        """First event of every job that simulates a sample, and the number of its events."""
        n_events = self.samples[sample].simulate.n_events
        return simulation_edges(n_events, self.configuration.simulation.events_per_job)

    @cached_property
    def ntuples(self) -> dict[str, NtupleFiles]:
        """ROOT files of each sample: those that are simulated, or that the user gave; none of a
        sample that has image files.

        Raises
        ------
        InputError
            As `find_files`.
        """
        return {name: self._ntuples(name, sample) for name, sample in self.samples.items()}

    def _ntuples(self, name: str, sample: Sample) -> NtupleFiles:
        if sample.is_simulated:
            return self._simulated_files(name)
        return {} if sample.is_imported else find_files(name, sample)

    @cached_property
    def imported_files(self) -> dict[str, list[Path]]:
        """Image files of the samples that have them instead of ROOT files.

        Raises
        ------
        InputError
            As `find_image_files`.
        """
        return {
            name: find_image_files(name, sample)
            for name, sample in self.samples.items()
            if sample.is_imported
        }

    def _simulated_files(self, sample: str) -> NtupleFiles:
        return {
            str(fill(self.results.ntuple, sample=sample, chunk=f"{number:04d}")): end - first
            for number, (first, end) in enumerate(pairwise(self.simulation_edges(sample)))
        }

    @cached_property
    def chunks(self) -> dict[str, dict[str, Chunk]]:
        """Chunks of all samples with images, by sample and name; each is converted by one job.

        Raises
        ------
        InputError
            As `ntuples`, or if the entries of a file cannot be counted.
        """
        return {
            name: self._cut(name, files)
            for name, files in self.ntuples.items()
            if not self.samples[name].is_applied and not self.samples[name].is_imported
        }

    @cached_property
    def application_chunks(self) -> dict[str, dict[str, Chunk]]:
        """Files of the samples that only get scores, by sample and name of the output.

        Raises
        ------
        InputError
            As `ntuples`, or if a file is given twice.
        """
        return {
            name: dict(
                zip(
                    names_of_outputs(name, list(self.ntuples[name])),
                    cut_sample(list(self.ntuples[name])).values(),
                    strict=True,
                )
            )
            for name in self.application_samples
        }

    def application_files(self) -> list[Path]:
        """Scores of all files of the samples that only get scores."""
        return [
            fill(self.results.application, sample=sample, file=file)
            for sample, chunks in self.application_chunks.items()
            for file in chunks
        ]

    @cached_property
    def varied_chunks(self) -> dict[str, dict[str, Chunk]]:
        """The same for a variation, which has the first files of each sample of the training.

        They are cut apart from the others, so that a variation has these files and no other.
        """
        n_files = self.n_varied_files
        return {
            name: self._cut(name, dict(islice(self.ntuples[name].items(), n_files)))
            for name in self.training_samples
        }

    def _cut(self, name: str, files: NtupleFiles) -> dict[str, Chunk]:
        if self.is_monitoring:
            return cut_sample(list(files))
        sample = self.samples[name]
        events_per_job = self.configuration.images.events_per_job
        entries = None
        if events_per_job is not None:
            entries = list(files.values()) if sample.is_simulated else self._count(name, files)
        is_shared = sample.weights is not None and has_shared_counts(sample.weights.to_dict())
        return cut_sample(
            list(files),
            entries,
            events_per_job,
            n_files=len(self.ntuples[name]) if is_shared else None,
            are_counted=not sample.is_simulated,
        )

    def _count(self, name: str, files: NtupleFiles) -> list[int]:
        images, cache = self.configuration.images, self.results.entry_counts
        sample = self.samples[name]
        return count_entries(name, sample, files, images, cache=cache, check=self.is_main)

    def image_files(self, *samples: str) -> list[Path]:
        """Image files of samples, in their order."""
        return [file for name in samples for file in self._image_files(name)]

    def _image_files(self, sample: str) -> list[Path]:
        if sample in self.imported_files:
            return self.imported_files[sample]
        pattern = self.results.images
        return [fill(pattern, sample=sample, chunk=chunk) for chunk in self.chunks[sample]]

    @cached_property
    def alternatives(self) -> list[str]:
        """Recipes of images beside that of all, of which a model makes use."""
        used = {one.recipe for one in self.models.values()}
        return [name for name in self.configuration.images.jets.alternatives if name in used]

    def image_list(self, model: str) -> Path:
        """List of the image files that a model looks at."""
        recipe = self.models[model].recipe
        if recipe is None:
            return self.results.image_list
        return fill(self.results.alternative_image_list, recipe=recipe)

    def alternative_image_files(self, recipe: str, *samples: str) -> list[Path]:
        """Image files of samples with a recipe of the alternatives, in the order of the others."""
        return [
            fill(self.results.alternative_images, recipe=recipe, sample=name, chunk=chunk)
            for name in samples
            for chunk in self.chunks[name]
        ]

    def expected_jobs(self, sample: str, n_events: float, n_files: int) -> int:
        """Number of image files of a sample, none of which is opened.

        Parameters
        ----------
        sample
            Name.
        n_events
            Events of the sample; of one that is simulated, another number than that of the
            configuration is taken as if it were there.
        n_files
            Files of a sample that is read from files.
        """
        if self.samples[sample].is_simulated:
            per_job = self.configuration.simulation.events_per_job
            return count_simulation_jobs(n_events, per_job)
        per_job = self.configuration.images.events_per_job
        if self.samples[sample].is_applied:
            return n_files
        return n_files if per_job is None else max(ceil(n_events / per_job), 1)

    def reach_score_files(self) -> list[Path]:
        """Scores of the signals of the reach."""
        return [fill(self.results.reach_scores, sample=name) for name in self.reach_samples]

    # -- models ----------------------------------------------------------------------------------

    @property
    def fold_numbers(self) -> range:
        """Folds from 0; empty without any."""
        return range(0 if self.folds is None else self.folds.number)

    @property
    def networks(self) -> dict[str, list[str]]:
        """Names of the networks of each model, ``seed1`` or ``seed1/fold0``: seeds, then folds
        ascending.
        """
        parts = [f"/fold{number}" for number in self.fold_numbers] or [""]
        return {
            model: [f"seed{seed}{part}" for seed in seeds for part in parts]
            for model, seeds in self.seeds.items()
        }

    def network_files(self, pattern: Path, *models: str) -> list[Path]:
        """A file of every network of models, or of all; the seeds, and the folds of each,
        ascending.

        Parameters
        ----------
        pattern
            Path with ``{model}``, ``{seed}`` and ``{fold}``.
        models
            Names of models; none for all.
        """
        parts = [f"/fold{number}" for number in self.fold_numbers] or [""]
        return [
            fill(pattern, model=model, seed=seed, fold=part)
            for model in models or self.models
            for seed in self.seeds[model]
            for part in parts
        ]

    def application_networks(self, pattern: Path) -> list[Path]:
        """A file of every network whose mean score the samples of the application get."""
        return self.network_files(pattern, self.first_model)

    @property
    def hepdata_folders(self) -> list[Path]:
        """Tables of the HEPData submission; none of taggers."""
        return [self.results.hepdata] if self.is_search else []

    @property
    def explored(self) -> list[Path]:
        """Page to explore, where classes are told apart."""
        return [self.results.explorer] if self.task in (SEARCH, TAGGING) else []

    @property
    def tagger_baselines(self) -> list[Path]:
        """Scores of the boosted trees, if the taggers are compared with any."""
        return [self.results.baseline_scores] if self.configuration.tagging.boosting else []

    def mean_model_files(self) -> list[Path]:
        """The mean of the networks of each model; none without folds."""
        models = self.models if self.folds else ()
        return [fill(self.results.mean_model, model=model) for model in models]

    def final_files(self) -> list[Path]:
        """Files that a whole run makes, with all that it needs: the report and the numbers."""
        results = self.results
        if self.is_monitoring:
            return [results.report]
        name = {TAGGING: "tagging", REGRESSION: "regression"}.get(self.task, "summary")
        return [
            results.report,
            *self.mean_model_files(),
            results.numbers(name),
            results.table(name),
            *self.application_files(),
        ]

    # -- monitoring ------------------------------------------------------------------------------

    @property
    def has_networks(self) -> bool:
        """Networks look at the image of each row."""
        return self.task in NETWORK_TASKS

    @property
    def trained_methods(self) -> list[str]:
        """Methods of the monitoring that are trained."""
        section = self.configuration.monitoring
        return (
            [] if section is None else [one for one in section.methods if METHODS[one].is_trained]
        )

    @property
    def has_study(self) -> bool:
        """Faults are injected to measure what the methods find."""
        section = self.configuration.monitoring
        return section is not None and bool(section.study.faults)

    def run_map_files(self) -> list[Path]:
        """Maps of the runs of each ROOT file."""
        return [
            fill(self.results.run_maps, sample=sample, chunk=chunk)
            for sample, chunks in self.chunks.items()
            for chunk in chunks
        ]

    def known_files(self) -> list[str]:
        """The file of the known faults, if there is one."""
        section = self.configuration.monitoring
        return [] if section is None or section.known is None else [section.known]

    def page_files(self) -> list[Path]:
        """Folder of the pages of runs, where runs are monitored."""
        return [self.results.run_pages] if self.is_monitoring else []

    def study_files(self) -> list[Path]:
        """Figures of merit of the study, if there is one."""
        return [self.results.study] if self.has_study else []

    def monitor_files(self) -> list[Path]:
        """Networks of the monitoring."""
        return [fill(self.results.monitor, method=name) for name in self.trained_methods]

    # -- variations ------------------------------------------------------------------------------

    @cached_property
    def variations(self) -> dict[str, dict[str, Any]]:
        """Detectors of the robustness by name, the nominal one first; empty without any."""
        variations = self.configuration.robustness.variations if self.is_search else {}
        changes = {name: one.given() for name, one in variations.items()}
        return {"nominal": {}, **changes} if changes else {}

    @property
    def n_varied_files(self) -> int:
        """Number of the first files of each sample that a variation has."""
        return self.configuration.robustness.files

    @cached_property
    def pile_up_variations(self) -> list[str]:
        """Variations whose ntuples are simulated again."""
        return [
            name for name, changes in self.variations.items() if acting_on(changes, "simulation")
        ]

    @cached_property
    def robustness_models(self) -> list[str]:
        """Models that score the variations."""
        return list(self.configuration.robustness.models) or [self.first_model]

    def varied_image_files(self, *variations: str) -> list[Path]:
        """Image files of variations, in their order."""
        return [
            fill(self.results.varied_images, variation=variation, sample=name, chunk=chunk)
            for variation in variations
            for name in self.training_samples
            for chunk in self.varied_chunks[name]
        ]

    def varied_score_files(self) -> list[Path]:
        """Scores of all variations: of each those of the models of the robustness."""
        return [
            fill(self.results.varied_scores, variation=variation, model=model)
            for variation in self.variations
            for model in self.robustness_models
        ]

    def mask_files(self, variation: str | None = None) -> list[str]:
        """Mask of the images, or of those of a variation; none without one."""
        changes = {} if variation is None else self.variations[variation]
        mask = changes.get("mask", self.configuration.images.mask)
        return [] if mask is None else [mask]

    def files_beside(self, sample: str, chunk: Chunk) -> list[str]:
        """Files that the images of a chunk are made of beside its ROOT files."""
        return files_beside(chunk.local_files(), self.samples[sample], self._friends[sample])

    @cached_property
    def _friends(self) -> dict[str, list[str]]:
        """Friends of the files of each sample, as its schema has them."""
        return {name: read_friends(sample) for name, sample in self.samples.items()}

    def varied_chunk(self, variation: str, sample: str, chunk: str) -> Chunk:
        """Chunk of a varied image file; with pile-up it has ntuples that are simulated again."""
        nominal = self.varied_chunks[sample][chunk]
        if variation not in self.pile_up_variations:
            return nominal
        pattern = self.results.varied_ntuple
        return nominal.in_folder(fill(pattern, variation=variation, sample=sample, chunk=0).parent)
