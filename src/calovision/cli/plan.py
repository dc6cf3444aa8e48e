"""``calovision plan``: what a workflow will take, before it runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calovision.core.errors import InputError
from calovision.core.splits import SPLITS

if TYPE_CHECKING:
    from calovision.jobs.planning import Plan
    from calovision.workflow.analysis import Analysis

BENCH = Path("results/bench.json")

Rates = Annotated[
    list[Path] | None,
    typer.Option(
        "--rates",
        metavar="PATH",
        help="Results folder of an earlier run on the same kind of machine, or the bench.json of "
        "make bench; may be "
        "given several times. Otherwise the results folder of CONFIG, or results/bench.json.",
    ),
]
Compare = Annotated[
    Path | None,
    typer.Option(
        metavar="RESULTS", help="A finished run of CONFIG, whose CPU hours are shown beside."
    ),
]


def plan_command(
    configs: Annotated[
        list[Path], typer.Argument(metavar="CONFIG...", help="As after snakemake --configfile.")
    ],
    events: Annotated[
        float | None, typer.Option(min=1, metavar="N", help="Events of all samples together.")
    ] = None,
    rates: Rates = None,
    cores: Annotated[int, typer.Option(min=1, metavar="N", help="Cores that work at a time.")] = 1,
    base: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Read before CONFIG; config/config.yaml of this folder if there is one.",
        ),
    ] = None,
    compare: Compare = None,
) -> None:
    """Estimate jobs, CPU and GPU hours, memory and disk of a workflow from rates measured in
    earlier runs.
    """
    from calovision.jobs.planning import make_plan, measured_hours, read_rates

    analysis = read_analysis(configs, base)
    if analysis.is_monitoring:
        raise InputError(
            "calovision plan knows the rates of networks and images, not those of monitoring; the "
            "last section of an earlier run's report has its times"
        )
    runs = [read_rates(path) for path in rates or [default_rates(analysis.results.folder)]]
    n_files = {name: len(files) for name, files in analysis.ntuples.items()}
    plan = make_plan(analysis, runs, files=n_files, n_events=events)
    print_plan(plan, cores, None if compare is None else measured_hours(compare))


def read_analysis(configs: list[Path], base: Path | None) -> "Analysis":
    """Facts of a run by its configurations, checked as Snakemake does before it runs a job."""
    from calovision.workflow import Configuration
    from calovision.workflow.analysis import Analysis

    configuration = Configuration.read(configs, base=base)
    configuration.check_names()
    return Analysis(configuration)


def default_rates(own: Path) -> Path:
    """The results of the configuration itself if there are any, or those of ``make bench``."""
    for path, proof in ((own, own / "benchmarks"), (BENCH, BENCH)):
        if proof.exists():
            return path
    raise InputError(
        f"no measured rates: neither {own}/benchmarks nor {BENCH} is there; give --rates with the "
        "results folder of an "
        "earlier run, as that of config/test.yaml, or run make bench"
    )


def print_plan(plan: "Plan", cores: int, measured: Mapping[str, float] | None = None) -> None:
    """Print the stages, their sums, and where the rates are from; beside them the CPU hours of a
    finished run.
    """
    from rich.text import Text

    from calovision.cli.summary import columns, pairs, show

    stages = [
        _row(stage.rule, stage, None if measured is None else measured.get(stage.rule, 0.0))
        for stage in plan.stages
    ]
    stages.append(
        _row(
            "all",
            plan,
            None if measured is None else sum(measured.get(s.rule, 0.0) for s in plan.stages),
        )
    )
    header = ["stage", "jobs", "CPU h", "GPU h", "MB a job", "disk"] + [
        "measured CPU h",
        "ratio",
    ] * (measured is not None)
    samples = [
        (s.name, f"{s.events:.0f}", f"{s.images:.0f}", *(f"{n:.0f}" for n in s.splits))
        for s in plan.samples
    ]
    bases = [(stage.rule, basis) for stage in plan.stages for basis in stage.bases]
    show(
        columns(header, stages, title="plan"),
        columns(
            ("sample", "events", "images", *SPLITS),
            samples,
            title="expected images",
        ),
        columns(("stage", "rate from"), bases, title="rates"),
        pairs(
            [
                ("", ""),
                (
                    "elapsed",
                    f"about {plan.cpu_h / cores:.2g} h on {cores} core{'s'[: cores > 1]} that are "
                    "always busy",
                ),
            ]
        ),
        *(Text(sentence) for sentence in caveats(plan)),
    )


def caveats(plan: "Plan") -> list[str]:
    """Sentences about what the figures leave out."""
    sentences = []
    bound = [stage.rule for stage in plan.stages if stage.is_bound]
    if bound:
        sentences.append(
            f"~: jobs of one size only were measured of {', '.join(bound)}, so that start-up and "
            "work cannot be told "
            "apart; --rates of a second run of another size tells them."
        )
    unknown = [f"{stage.rule} ({stage.n_unknown} jobs)" for stage in plan.stages if stage.n_unknown]
    if unknown:
        sentences.append(
            f"Not in the hours, since no rate was measured: {', '.join(unknown)}; add --rates of a "
            "run that has them."
        )
    return sentences


def _row(name: str, what: "object", measured: float | None) -> list[str]:
    memory = getattr(what, "memory_mb", 0.0)
    mark = "~" if getattr(what, "is_bound", False) else ""
    row = [
        name,
        str(what.n_jobs),
        f"{mark}{what.cpu_h:.3g}",
        f"{what.gpu_h:.3g}" if what.gpu_h else "-",
    ]
    row += [f"{memory:.0f}" if memory else "-", _size(what.disk_bytes)]
    if measured is not None:
        row += [f"{measured:.3g}", f"{what.cpu_h / measured:.2f}" if measured else "-"]
    return row


def _size(n_bytes: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if n_bytes >= size:
            return f"{n_bytes / size:.3g} {unit}"
    return "-" if n_bytes < 1 else f"{n_bytes / 1e3:.3g} KB"
