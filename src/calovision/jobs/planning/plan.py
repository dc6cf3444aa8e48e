"""The plan: what each stage of a workflow takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import prod

from calovision.jobs.planning.costs import CostModel, Rate, total_yields
from calovision.jobs.planning.measured import Run
from calovision.jobs.planning.memory import (
    DENSE_IMAGES,
    images_of_scoring,
    images_of_training,
    network_size,
    scaled_to_cells,
)
from calovision.jobs.planning.networks import network_key
from calovision.jobs.planning.workload import Model, PlannedSample, plan_models, plan_samples
from calovision.workflow.analysis import Analysis

HOUR = 3600.0
SCORE_BYTES = 9  # of an entry: score, logit, passed


@dataclass
class StagePlan:
    """Cost of the jobs of a rule together.

    Attributes
    ----------
    rule, n_jobs
        The rule and its number of jobs.
    cpu_h, gpu_h
        CPU and GPU hours.
    memory_mb
        Of the largest job: as similar ones that were measured, and of networks by the size of
        images and batches.
    disk_bytes
        Of what it writes, where that is much.
    bases
        Origins of the rates, one sentence each.
    is_bound
        True if a start-up could not be told from the work, so that the time is rather too long.
    n_unknown
        Jobs without any rate, or with one that does not reach so far, which are not in the hours.
    """

    rule: str
    n_jobs: int = 0
    cpu_h: float = 0.0
    gpu_h: float = 0.0
    memory_mb: float = 0.0
    disk_bytes: float = 0.0
    bases: list[str] = field(default_factory=list)
    is_bound: bool = False
    n_unknown: int = 0

    def add(
        self,
        rate: Rate | None,
        n_jobs: int,
        work: float,
        *,
        n_gpus: int = 0,
        memory_mb: float | None = None,
    ) -> None:
        """Count jobs of a rate in; on a GPU the hours are those that it is taken for.

        ``memory_mb`` takes the place of the memory of the rate.
        """
        self.n_jobs += n_jobs
        if n_jobs:
            self.memory_mb = max(
                self.memory_mb, memory_mb or (0.0 if rate is None else rate.memory_mb)
            )
        if rate is None:
            self.n_unknown += n_jobs
            return
        if n_jobs and not rate.reaches(n_jobs, work):
            self.n_unknown += n_jobs
            self._name(
                f"{rate.basis}: not used, as {rate.largest_work:.0f} events were mostly start-up "
                "and say nothing of "
                f"{work / n_jobs:.0f}; give --rates of a larger run"
            )
            return
        hours = rate.seconds(n_jobs, work) / HOUR
        self.cpu_h += hours
        self.gpu_h += hours * n_gpus
        self.is_bound = self.is_bound or rate.least_s > 0
        if n_jobs:
            self._name(rate.basis)

    def _name(self, basis: str) -> None:
        if basis not in self.bases:
            self.bases.append(basis)


@dataclass
class Plan:
    """The stages in the order of the workflow, the samples that they work on."""

    stages: list[StagePlan]
    samples: list[PlannedSample]

    @property
    def n_jobs(self) -> int:
        """Jobs of all stages."""
        return sum(stage.n_jobs for stage in self.stages)

    @property
    def cpu_h(self) -> float:
        """CPU hours of all stages."""
        return sum(stage.cpu_h for stage in self.stages)

    @property
    def gpu_h(self) -> float:
        """GPU hours of all stages."""
        return sum(stage.gpu_h for stage in self.stages)

    @property
    def disk_bytes(self) -> float:
        """Bytes of all stages."""
        return sum(stage.disk_bytes for stage in self.stages)

    @property
    def events(self) -> float:
        """Events of all samples."""
        return sum(sample.events for sample in self.samples)


def make_plan(
    analysis: Analysis,
    runs: Sequence[Run],
    *,
    files: Mapping[str, int] | None = None,
    n_events: float | None = None,
) -> Plan:
    """Estimate what a workflow takes.

    Parameters
    ----------
    analysis
        The workflow; its ROOT files are not looked for.
    runs
        Earlier runs on the kind of machine that is planned for.
    files
        Number of files of every sample that is read from files.
    n_events
        Events of all samples together; None: as configured, or as many in each file as in the
        earlier runs.

    Raises
    ------
    InputError
        If the number of events is not known, or the runs have no image files.
    """
    samples = plan_samples(analysis, total_yields(runs), files or {}, n_events)
    costs = CostModel(runs)
    stages = [
        *_plan_samples(analysis, samples, costs),
        *_plan_networks(analysis, samples, costs),
        *_plan_single(analysis, samples, costs),
    ]
    return Plan([stage for stage in stages if stage.n_jobs], samples)


def _plan_samples(
    analysis: Analysis, samples: list[PlannedSample], costs: CostModel
) -> list[StagePlan]:
    """Simulation and image files, nominal and varied."""
    simulate = StagePlan("simulate_ntuples")
    pile_up = StagePlan("simulate_pile_up")
    build = StagePlan("build_images")
    alternative = StagePlan("build_alternative_images")
    varied = StagePlan("build_varied_images")
    recipes = len(analysis.alternatives)
    variations = len(analysis.variations)
    with_pile_up = len(analysis.pile_up_variations)
    for sample in samples:
        if sample.is_simulated:
            simulate.add(_sample_rate(costs, simulate.rule, sample), sample.n_jobs, sample.events)
            simulate.disk_bytes += sample.ntuple_bytes
        if sample.is_applied or not sample.n_jobs:
            continue
        build.add(_sample_rate(costs, build.rule, sample), sample.n_jobs, sample.events)
        build.disk_bytes += sample.image_bytes
        if not sample.is_trained:
            continue
        alternative.add(
            _sample_rate(costs, alternative.rule, sample),
            recipes * sample.n_jobs,
            recipes * sample.events,
        )
        alternative.disk_bytes += recipes * sample.image_bytes
        n_files = min(analysis.n_varied_files, sample.n_jobs)
        share = n_files / sample.n_jobs
        varied.add(
            _sample_rate(costs, varied.rule, sample),
            variations * n_files,
            variations * share * sample.events,
        )
        varied.disk_bytes += variations * share * sample.image_bytes
        pile_up.add(
            _sample_rate(costs, pile_up.rule, sample),
            with_pile_up * n_files,
            with_pile_up * share * sample.events,
        )
        pile_up.disk_bytes += with_pile_up * share * sample.ntuple_bytes
    return [simulate, pile_up, build, alternative, varied]


def _sample_rate(costs: CostModel, rule: str, sample: PlannedSample) -> Rate | None:
    """Rate of a sample; what a variation needs is much like the nominal, where it was not
    measured.
    """
    plain = {
        "build_alternative_images": "build_images",
        "build_varied_images": "build_images",
        "simulate_pile_up": "simulate_ntuples",
    }
    rate = costs.sample_rate(rule, sample.name, sample.label)
    if rate is None and rule in plain:
        return costs.sample_rate(plain[rule], sample.name, sample.label)
    return rate


def _plan_networks(
    analysis: Analysis, samples: list[PlannedSample], costs: CostModel
) -> list[StagePlan]:
    """Training, and scores of all kinds."""
    train = StagePlan("train_network")
    score = StagePlan("score_events")
    reach = StagePlan("score_reach_sample")
    varied = StagePlan("score_variation")
    application = StagePlan("score_application")
    trained = [sample for sample in samples if sample.is_trained]
    unseen = sum(sample.splits[1] + sample.splits[2] for sample in trained)
    models = plan_models(analysis, samples)
    loaded = sum(one.image_bytes * sum(one.splits[:2]) / max(one.images, 1) for one in trained)
    n_validation = sum(one.splits[1] for one in trained)
    for model in models:
        specification = network_specification(model, analysis)
        key = network_key(specification)
        device = _device(model, costs, train.rule)
        n_gpus = model.n_devices if device == "gpu" else 0
        images = images_of_training(
            model.batch_size // model.n_devices, n_validation * model.validation_share
        )
        memory = (
            None if n_gpus else costs.network_memory(train.rule, specification, key, images, loaded)
        )
        rate = _network_rate(costs, train.rule, specification, device)
        train.add(
            rate, model.n_networks, model.n_networks * model.passes, n_gpus=n_gpus, memory_mb=memory
        )
        images = images_of_scoring(unseen)
        memory = (
            None if n_gpus else costs.network_memory(score.rule, specification, key, images, 0.0)
        )
        rate = _network_rate(costs, score.rule, specification, _device(model, costs, score.rule))
        count = partial(
            _count_scores, rate=rate, model=model, n_gpus=min(n_gpus, 1), memory_mb=memory
        )
        count(score, model.n_networks, model.n_networks * unseen)
        if model.name == analysis.first_model:
            for sample in samples:
                if sample.is_applied:
                    _plan_application(application, sample, costs)
                    count(application, 0, model.n_networks * sample.images)
                elif not sample.is_trained:
                    count(reach, 1, model.n_seeds * sample.images)
        if model.name in analysis.robustness_models:
            n_variations = len(analysis.variations)
            n_images = _varied_images(analysis.n_varied_files, trained)
            n_images *= max(len(analysis.fold_numbers), 1)
            count(varied, n_variations, n_variations * model.n_seeds * n_images)
    return [train, score, reach, varied, application]


def _plan_application(stage: StagePlan, sample: PlannedSample, costs: CostModel) -> None:
    """Images of the files that only get scores, which no file keeps, and their scores."""
    stage.add(_sample_rate(costs, "build_images", sample), sample.n_jobs, sample.events)
    stage.disk_bytes += SCORE_BYTES * sample.events


def _count_scores(
    stage: StagePlan,
    n_jobs: int,
    n_images: float,
    *,
    rate: Rate | None,
    model: Model,
    n_gpus: int,
    memory_mb: float | None,
) -> None:
    stage.add(rate, n_jobs, model.rotations * n_images, n_gpus=n_gpus, memory_mb=memory_mb)


def _varied_images(n_files: int, samples: list[PlannedSample]) -> float:
    """Test events of a variation, which has the first files of each sample."""
    return sum(s.splits[2] * min(n_files / s.n_jobs, 1) for s in samples if s.n_jobs)


def _device(model: Model, costs: CostModel, rule: str) -> str:
    """Device of a model; auto is a GPU if the rates were measured on one."""
    return (
        "gpu"
        if model.device == "gpu" or (model.device == "auto" and "gpu" in costs.devices(rule))
        else "cpu"
    )


def network_specification(model: Model, analysis: Analysis) -> dict:
    """Network of a model for the images of the workflow, as `network_size` takes it."""
    return {
        "network": model.network,
        "image_shape": (model.n_channels, *analysis.cells_and_channels_of(model.name)[0]),
        "variables": model.variables,
        "n_variables": model.n_variables,
        "classes": tuple(analysis.classes),
        "options": dict(model.options),
    }


def _network_rate(costs: CostModel, rule: str, specification: Mapping, device: str) -> Rate | None:
    def count_multiply_adds() -> int | None:
        size = network_size(specification)
        return None if size is None else size.multiply_adds

    return costs.network_rate(rule, network_key(specification), device, count_multiply_adds)


def _plan_single(
    analysis: Analysis, samples: list[PlannedSample], costs: CostModel
) -> list[StagePlan]:
    """Rules of one job, those that were measured."""
    images = sum(sample.images for sample in samples if not sample.is_applied)
    configured = analysis.configuration.images
    cells = len(configured.channels) * prod(configured.grid)
    stages = []
    for rule in analysis.single_rules:
        rate = costs.rate(rule)
        if rate is not None:
            memory = rate.memory_mb
            if rule in DENSE_IMAGES:
                memory = scaled_to_cells(memory, cells, costs.cells)
            stages.append(StagePlan(rule))
            stages[-1].add(rate, 1, images, memory_mb=memory)
    return stages
