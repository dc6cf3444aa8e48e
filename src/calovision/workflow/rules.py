"""Rules of the workflow: wildcards of their jobs, code that decides their results, resources.

Memory is in MB, time in minutes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calovision.workflow.sources import package_digest
from calovision.workflow.tasks import MONITORING, NETWORK_TASKS, REGRESSION, SEARCH, TAGGING

IMAGE_CODE = (
    "conversion",
    "core.classes",
    "core.hashing",
    "core.kinematics",
    "core.numeric",
    "core.record_layouts",
    "core.records",
    "core.splits",
    "images",
    "jets",
    "ntuples",
    "selection",
    "stages.images",
    "storage",
)
"""Modules that decide what is in an image file."""

ACCOUNT_CODE = (
    "accounting",
    "core.account",
    "core.hashing",
    "core.result",
    "core.splits",
    "stages.accounting",
    "stages.collections",
    "stages.image_accounts",
    "stages.run_accounts",
    "storage",
)
"""Modules that decide whether the accounts of events balance."""

MAP_CODE = (
    "conversion.fields",
    "conversion.parallel",
    "core.kinematics",
    "core.numeric",
    "images",
    "monitoring.accumulation",
    "monitoring.kernels",
    "monitoring.layout",
    "monitoring.run_map_file",
    "monitoring.run_maps",
    "monitoring.run_numbers",
    "monitoring.run_sums",
    "ntuples",
    "selection",
    "stages.run_maps",
)
"""Modules that decide what is in a file of run maps."""

REFERENCE_CODE = (
    "core.run_lists",
    "monitoring.good_runs",
    "monitoring.layout",
    "monitoring.reference",
    "monitoring.reference_cells",
    "monitoring.reference_doubts",
    "monitoring.run_map_file",
    "monitoring.run_maps",
    "stages.run_reference",
)
"""Modules that decide what is in a reference."""

WATCH_CODE = ("core.markdown", "core.result", "models", "monitoring", "stages.run_reference")
"""Modules that decide the scores of runs, and what is flagged."""

STUDY_CODE = ("core.digits", "evaluation.results.fault_figures", "evaluation.results.numbers")
"""Modules that decide how figures of merit of methods are written and read."""

RESULT_CODE = ("core.digits", "core.markdown", "core.result", "evaluation.results")
"""Modules that decide how results are written and read."""

NETWORK_MEMORY = {"memory_mb": 3000, "memory_per_cell_mb": 0.09}
"""Memory of a job in which a network looks at images."""


@dataclass(frozen=True)
class Rule:
    """A rule of the workflow that makes results.

    Attributes
    ----------
    name
        Its name in the workflow.
    code
        Modules and subpackages of calovision that decide its results, as `package_digest` takes
        them.
    memory_mb, runtime_min
        Resources of the first attempt of a job.
    wildcards
        Names by which its jobs differ, in the order of the folders of their logs; a rule without
        any runs once.
    threads
        Cores of a job; None for those of its model.
    memory_per_cell_mb
        Memory in proportion to the cells of an image, where a job holds batches of dense images. It
        is asked for where it is more than ``memory_mb``.
    has_longer_attempts
        True if the next attempt gets more time; a training goes on from its checkpoint instead.
    is_of_variations
        True for a rule that is there only if the robustness has variations.
    is_of_alternatives
        True for a rule that is there only if models look at images of another recipe.
    is_of_folds
        True for a rule that is there only if the split has folds.
    tasks
        Tasks that it is there for (`calovision.workflow.tasks`); none for all.
    script
        Script of another name than the rule.
    """

    name: str
    code: tuple[str, ...]
    memory_mb: int
    runtime_min: int
    wildcards: tuple[str, ...] = ()
    threads: int | None = 1
    memory_per_cell_mb: float = 0.0
    has_longer_attempts: bool = True
    is_of_variations: bool = False
    is_of_alternatives: bool = False
    is_of_folds: bool = False
    tasks: tuple[str, ...] = ()
    script: str | None = None

    @property
    def is_single(self) -> bool:
        """True for a rule with one job, which works on all images."""
        return not self.wildcards

    @property
    def script_name(self) -> str:
        """File of its script, below ``workflow/scripts``."""
        return f"{self.script or self.name}.py"

    @property
    def pattern(self) -> str:
        """Name of the log and benchmark of a job, with its wildcards in braces, without suffix."""
        parts = {"seed": "/seed{seed}", "fold": "{fold}"}
        values = (parts.get(one, f"/{{{one}}}") for one in self.wildcards)
        return self.name + "".join(values)

    def job_name(self, wildcards: Mapping[str, str]) -> str:
        """Name of a job among those of the rule, by the values of its wildcards; "" if it is
        single.
        """
        return self.pattern.format(**wildcards).partition("/")[2]

    def memory(self, attempt: int, grid: tuple[int, int]) -> int:
        """Memory of an attempt (1, 2, ...), MB, for images of ``grid`` cells in eta and phi.

        In proportion to the largest memory of such jobs in `study_224.yaml`, and a tenth to a third
        more.
        """
        cells = grid[0] * grid[1]
        return max(self.memory_mb, round(self.memory_per_cell_mb * cells)) * attempt

    def runtime(self, attempt: int) -> int:
        """Time of an attempt (1, 2, ...), minutes."""
        return self.runtime_min * (attempt if self.has_longer_attempts else 1)

    def code_digest(self, files: Iterable[str | Path] = ()) -> str:
        """Hash of the code that decides its results, and of files: its script, texts that it
        shows.
        """
        return package_digest(*self.code, files=tuple(map(str, files)))


OF_SEARCH = {"tasks": (SEARCH,)}
OF_TAGGERS = {"tasks": (TAGGING,)}
OF_NETWORKS = {"tasks": NETWORK_TASKS}
OF_MONITORING = {"tasks": (MONITORING,)}
OF_REGRESSION = {"tasks": (REGRESSION,)}
OF_FILE = ("sample", "chunk")
OF_VARIED_FILE = ("variation", "sample", "chunk")
OF_NETWORK = ("model", "seed", "fold")
"""The fold is the end of a path: "/fold0" and so on, or "" without folds."""


def _simulate(name: str, **changes: Any) -> Rule:
    return Rule(
        name,
        ("stages.simulation", "simulation", "jets.clustering"),
        memory_mb=1000,
        runtime_min=30,
        **changes,
    )


def _build(name: str, code: tuple[str, ...] = (), **changes: Any) -> Rule:
    changes = {**OF_NETWORKS, **changes}
    return Rule(name, (*IMAGE_CODE, *code), memory_mb=1500, runtime_min=60, **changes)


def _score(name: str, *code: str, **changes: Any) -> Rule:
    code, threads = (
        ("stages.scores", "stages.collections", "datasets", "models", "scoring", *code),
        None,
    )
    changes = {**OF_NETWORKS, **changes}
    return Rule(name, code, **NETWORK_MEMORY, runtime_min=60, threads=threads, **changes)


def _evaluate(name: str, *code: str, runtime_min: int = 30, **more: Any) -> Rule:
    code = (*RESULT_CODE, "core.numeric", "evaluation", "metrics", *code)
    more = {**OF_SEARCH, **more}
    return Rule(name, code, memory_mb=2000, runtime_min=runtime_min, **more)


def _tag(name: str, *code: str, runtime_min: int) -> Rule:
    code = ("stages.tagging", "stages.collections", "core.classes", "jets", *code)
    return _evaluate(name, *code, runtime_min=runtime_min, **OF_TAGGERS)


def _plot(name: str, *code: str, memory_mb: int = 1000, runtime_min: int = 10, **more: Any) -> Rule:
    more = {**OF_SEARCH, **more}
    drawing = ("stages.figures.drawing", "stages.figures.events", "plotting")
    code = (*code, *drawing, "core.text", "core.titles")
    return Rule(name, code, memory_mb=memory_mb, runtime_min=runtime_min, **more)


def _monitor(
    name: str, *code: str, memory_mb: int = 2000, runtime_min: int = 30, **more: Any
) -> Rule:
    return Rule(
        name, code, memory_mb=memory_mb, runtime_min=runtime_min, **{**OF_MONITORING, **more}
    )


_ALL = (
    _simulate("simulate_ntuples", wildcards=OF_FILE),
    _build("build_images", wildcards=OF_FILE),
    _build(
        "build_alternative_images",
        wildcards=("recipe", *OF_FILE),
        is_of_alternatives=True,
        script="build_images",
    ),
    _build("compute_variables", wildcards=("purpose", "sample", "chunk")),
    Rule(
        "train_network",
        ("stages.training", "stages.collections", "core.hashing", "datasets", "models", "training"),
        memory_mb=4000,
        memory_per_cell_mb=0.16,
        runtime_min=240,
        has_longer_attempts=False,
        threads=None,
        wildcards=OF_NETWORK,
        **OF_NETWORKS,
    ),
    _score("score_events", wildcards=OF_NETWORK),
    Rule(
        "average_networks",
        ("stages.mean_model", "models"),
        memory_mb=2000,
        runtime_min=10,
        wildcards=("model",),
        is_of_folds=True,
        **OF_NETWORKS,
    ),
    Rule(
        "fit_baselines",
        (
            *RESULT_CODE,
            "stages.baselines",
            "stages.collections",
            "datasets",
            "evaluation",
            "metrics",
        ),
        memory_mb=2000,
        runtime_min=60,
        **OF_SEARCH,
    ),
    _evaluate("evaluate", "stages.comparison", "stages.collections", "selection"),
    _tag(
        "fit_tagger_baselines",
        "datasets",
        "training.options",
        "training.weights",
        runtime_min=120,
    ),
    _tag("evaluate_taggers", "stages.comparison", runtime_min=60),
    _evaluate(
        "evaluate_regression",
        "stages.regression",
        "stages.comparison",
        "stages.collections",
        "core.classes",
        "jets",
        runtime_min=60,
        **OF_REGRESSION,
    ),
    _simulate(
        "simulate_pile_up",
        wildcards=OF_VARIED_FILE,
        is_of_variations=True,
        script="simulate_ntuples",
    ),
    _build(
        "build_varied_images",
        ("conversion.variations",),
        wildcards=OF_VARIED_FILE,
        is_of_variations=True,
        script="build_images",
    ),
    _score(
        "score_variation",
        "evaluation.models",
        wildcards=("variation", "model"),
        is_of_variations=True,
        script="score_ensemble",
    ),
    _evaluate(
        "evaluate_robustness",
        "stages.robustness",
        "stages.collections",
        "selection",
        is_of_variations=True,
    ),
    _score(
        "score_reach_sample",
        "evaluation.models",
        wildcards=("sample",),
        **OF_SEARCH,
        script="score_ensemble",
    ),
    _score(
        "score_application",
        "evaluation.models",
        "conversion",
        "core.records",
        "core.record_layouts",
        "images",
        "jets",
        "ntuples",
        "selection",
        wildcards=("sample", "file"),
    ),
    _evaluate("evaluate_reach", "stages.reach", "stages.collections", runtime_min=60),
    Rule(
        "check_images",
        (*ACCOUNT_CODE, "ntuples"),
        memory_mb=1500,
        runtime_min=60,
        **OF_NETWORKS,
    ),
    Rule(
        "check_accounting",
        (
            *ACCOUNT_CODE,
            "core.digits",
            "core.markdown",
            "evaluation.tagging.tables",
            "ntuples",
        ),
        memory_mb=2000,
        runtime_min=30,
        **OF_NETWORKS,
    ),
    _plot("plot_performance", "stages.figures.performance", *RESULT_CODE, "evaluation", "metrics"),
    _plot(
        "plot_images",
        "stages.figures.images",
        memory_mb=2000,
        memory_per_cell_mb=0.055,
        runtime_min=20,
    ),
    _plot("plot_models", "stages.figures.models", *RESULT_CODE, "evaluation", "metrics"),
    _plot("plot_training", "stages.figures.models", "evaluation", tasks=NETWORK_TASKS),
    _plot("plot_cut_flow", "stages.figures.images", tasks=NETWORK_TASKS),
    _plot(
        "plot_class_images",
        "stages.figures.tagging",
        "storage",
        memory_mb=2000,
        memory_per_cell_mb=0.055,
        runtime_min=20,
        **OF_TAGGERS,
    ),
    _plot(
        "plot_taggers",
        "stages.figures.tagging",
        *RESULT_CODE,
        "evaluation",
        "metrics",
        memory_mb=2000,
        **OF_TAGGERS,
    ),
    _plot(
        "plot_regression",
        "stages.figures.regression",
        *RESULT_CODE,
        "evaluation",
        "metrics",
        memory_mb=2000,
        **OF_REGRESSION,
    ),
    _plot("plot_diagnostics", "stages.figures.performance", *RESULT_CODE, "evaluation", "metrics"),
    _plot(
        "plot_attributions",
        "stages.figures.attributions",
        "stages.collections",
        "scoring.attribution",
        runtime_min=30,
        threads=8,
        **NETWORK_MEMORY,
    ),
    _plot("plot_extreme_events", "stages.figures.images", memory_mb=2000, runtime_min=20),
    _plot("plot_reach", "stages.figures.search", *RESULT_CODE),
    _plot("plot_robustness", "stages.figures.search", *RESULT_CODE, is_of_variations=True),
    _monitor("build_run_maps", *MAP_CODE, runtime_min=60, wildcards=OF_FILE),
    _monitor("merge_run_maps", *MAP_CODE, "monitoring.run_map_merge"),
    _monitor("check_runs", *ACCOUNT_CODE, "monitoring.run_map_file", "ntuples", "core.markdown"),
    _monitor("make_reference", *REFERENCE_CODE, runtime_min=10),
    _monitor(
        "train_monitor", *WATCH_CODE, "stages.monitors", wildcards=("method",), runtime_min=60
    ),
    _monitor("study_faults", *WATCH_CODE, *STUDY_CODE, "stages.monitors", runtime_min=60),
    _monitor("monitor_runs", *WATCH_CODE, "stages.monitoring"),
    _plot(
        "plot_monitoring",
        *STUDY_CODE,
        "core.result",
        "monitoring",
        "stages.figures.monitoring",
        **OF_MONITORING,
    ),
    _monitor(
        "write_run_pages",
        *WATCH_CODE,
        "plotting",
        "report.page",
        "report.parts",
        "report.text",
        "stages.run_pages",
    ),
    Rule(
        "write_hepdata",
        (
            *RESULT_CODE,
            "stages.report",
            "evaluation.compared",
            "report.hepdata",
            "report.hepdata_columns",
            "metrics",
            "core.text",
        ),
        memory_mb=1000,
        runtime_min=10,
        **OF_SEARCH,
    ),
    Rule(
        "write_run_summary",
        (
            "stages.run_summary",
            "stages.figures.drawing",
            "jobs.attempts",
            "core.markdown",
            "jobs.run_summary",
        ),
        memory_mb=1000,
        runtime_min=10,
    ),
    _plot(
        "write_explorer",
        *RESULT_CODE,
        "evaluation",
        "images",
        "jets",
        "metrics",
        "report.explore",
        "stages.explore",
        "stages.explore_content",
        "stages.explore_gallery",
        "stages.explore_images",
        "stages.explore_options",
        "storage",
        memory_mb=2000,
        tasks=(SEARCH, TAGGING),
    ),
    Rule(
        "write_report",
        ("stages.report", "core.markdown", "report", "report.texts", "core.text"),
        memory_mb=1000,
        runtime_min=5,
    ),
)
RULES = {rule.name: rule for rule in _ALL}
"""Rules by name, in the order of the data; ``list_images`` and ``all`` only collect files."""
