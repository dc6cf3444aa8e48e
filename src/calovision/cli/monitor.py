"""``calovision monitor``: maps of runs, and a reference of good runs."""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calovision.cli.image_options import TreeOptions
from calovision.cli.monitor_check import check_command
from calovision.cli.options import HelpWithNames, grouped_options, parse_names, require_new
from calovision.core.errors import InputError

if TYPE_CHECKING:
    from calovision.monitoring.accumulation import RunSource
    from calovision.monitoring.run_map_file import RunMapFile

DEFAULT_CHANNELS = ("em_et", "had_et", "tracks")
HDF5 = (".h5", ".hdf5")
_maps = partial(typer.Option, rich_help_panel="Maps")
_runs = partial(typer.Option, rich_help_panel="Runs")

Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="OUT.h5", help="The file to write.")
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the output.")]

monitor_app = typer.Typer(
    name="monitor",
    no_args_is_help=True,
    help="Watch a detector run by run: maps of runs, a reference of good runs, what differs.",
)


@dataclass(frozen=True, kw_only=True)
class MapOptions:
    """Cells, channels and thresholds of the maps."""

    grid: Annotated[str | None, _maps(metavar="ETAxPHI", help="Cells (64x64).")] = None
    eta_range: Annotated[
        tuple[float, float] | None, _maps(metavar="LOW HIGH", help="Of the cells (-2.5 2.5).")
    ] = None
    eta_edges: Annotated[
        str | None, _maps(metavar="A,B,C...", help="Edges in eta of cells of unequal size.")
    ] = None
    channels: Annotated[
        str | None, _maps(metavar="A,B,C", help="Of {channels} (em_et,had_et,tracks).")
    ] = None
    threshold: Annotated[
        list[str] | None,
        _maps(
            metavar="[CHANNEL=]X",
            help="Least value of a cell that counts as a hit, of one channel or of all (above 0); "
            "may be repeated.",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class RunNumberOptions:
    """Numbers of runs, and which events count."""

    run: Annotated[
        str | None,
        _runs(
            metavar="BRANCH|N|file",
            help="Number of the run: a branch or formula (the schema's), a number, or 'file': the "
            r"number in the name of each file, 'file:run_(\d+)' where the name has several; of "
            "image files the column (run).",
        ),
    ] = None
    lumi_block: Annotated[
        str | None,
        _runs(metavar="BRANCH", help="Maps of lumi blocks, by this branch, formula or column."),
    ] = None
    per_lumi_block: Annotated[
        bool, _runs("--per-lumi-block", help="Maps of lumi blocks, by the branch of the schema.")
    ] = False
    select: Annotated[
        str | None,
        _runs(metavar="EXPR", help='Events that count, by branches, as "HLT_ZeroBias == 1".'),
    ] = None


@grouped_options
def maps_command(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILES",
            help="ROOT files: paths, globs, addresses (root://...), or .txt/.list files; or image "
            "files of events; or files of run maps, which are merged.",
        ),
    ],
    output: Output,
    maps: MapOptions,
    runs: RunNumberOptions,
    ntuples: TreeOptions,
    processes: Annotated[
        int, typer.Option(min=1, metavar="N", help="Processes that share the ROOT files.")
    ] = 1,
    force: Force = False,
) -> None:
    """Sum the images of events run by run, and write one file of maps: how often each cell was hit,
    and with how much energy.
    """
    require_new(output, force=force)
    from calovision.cli.progress import event_progress
    from calovision.jobs.compilation import skip_numba_extensions
    from calovision.ntuples import expand_paths

    skip_numba_extensions()
    paths = expand_paths(files)
    start = time.perf_counter()
    if all(path.endswith(HDF5) for path in paths):
        file, n_read = _from_hdf5([Path(path) for path in paths], output, maps, runs), None
    else:
        from calovision.cli.images import count_entries
        from calovision.monitoring.accumulation import accumulate_files

        source = _source(paths, runs, ntuples)
        with event_progress(count_entries(paths, ntuples.schema, ntuples.tree)) as progress:
            layout = _layout(maps)
            file = accumulate_files(source, output, layout, processes=processes, progress=progress)
        n_read = progress.done
    _print_maps(file, time.perf_counter() - start, n_read)


def reference_command(
    maps: Annotated[Path, typer.Argument(metavar="MAPS.h5", help="File of run maps.")],
    output: Output,
    good: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RUNS",
            help="Good runs: a number, a range as 10-20, or a .txt file with one of these a line; "
            "may be repeated (all runs of the maps).",
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Refuse good runs that themselves hold a dead or hot cell."),
    ] = False,
    force: Force = False,
) -> None:
    """Make the reference of good runs: rate, mean value and spread of every cell. A run that
    differs from the others in a cell is left out there and named.
    """
    require_new(output, force=force)
    from calovision.cli.summary import pairs, show
    from calovision.monitoring.reference import Reference
    from calovision.monitoring.run_map_file import RunMapFile

    file = RunMapFile(maps)
    reference = Reference.of(_good_runs(file, good or []), refuse_faults=strict)
    reference.save(output)
    rows = [("output", str(output)), ("runs", f"{reference.n_runs}"), *_described(file)]
    rows.append(("events", f"{reference.n_events:,}"))
    n_cells = int((reference.n_left_out > 0).sum())
    rows.append(("cells with runs left out", f"{n_cells:,}"))
    rows.append(("dead or hot cells in it", f"{int(reference.is_faulty.sum()):,}"))
    show(pairs(rows))


def _good_runs(file: "RunMapFile", good: list[str]) -> "RunMapFile":
    """Rows of the good runs; InputError if the file has none of them."""
    import logging

    from calovision.core.run_lists import RunList

    if not good:
        return file
    runs = RunList.read(good, "--good")
    chosen = file.select(runs.mask(file.run))
    if len(chosen) == 0:
        found = f"{file.run[0]} to {file.run[-1]}" if len(file) else "none"
        raise InputError(f"{file.path}: it has none of the good runs; its runs are {found}")
    if missing := runs.without(set(chosen.run.tolist())):
        logging.getLogger("calovision").warning(
            "%s: no run of --good %s in it", file.path, ", ".join(missing)
        )
    return chosen


def _source(paths: list[str], runs: RunNumberOptions, ntuples: TreeOptions) -> "RunSource":
    from calovision.monitoring.accumulation import RunSource

    return RunSource(
        paths,
        schema=ntuples.schema,
        tree=ntuples.tree,
        run=runs.run,
        lumi_block=runs.lumi_block,
        per_lumi_block=runs.per_lumi_block,
        selection=runs.select,
    )


def _layout(maps: MapOptions) -> Any:
    """Layout of the maps of ROOT files."""
    from calovision.cli.recipe import event_grid
    from calovision.monitoring.layout import MapLayout

    if maps.eta_range and maps.eta_edges:
        raise typer.BadParameter("cannot be used with --eta-edges.", param_hint="--eta-range")
    channels = parse_names(maps.channels) if maps.channels else DEFAULT_CHANNELS
    return MapLayout.of_channels(event_grid(maps), channels, _thresholds(maps.threshold or []))


def _thresholds(texts: list[str]) -> float | dict[str, float]:
    """``["0.5"]`` -> the one of all channels; ``["em_et=0.5", "tracks=1"]`` -> by channel."""
    found: dict[str, float] = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            raise typer.BadParameter(
                f"'{text}' must look like 0.5 or em_et=0.5.", param_hint="--threshold"
            ) from None
    if "" in found and len(texts) > 1:
        raise typer.BadParameter(
            "give one number for all channels, or CHANNEL=X for each.", param_hint="--threshold"
        )
    return found.get("", found or 0.0)


def _from_hdf5(
    paths: list[Path], output: Path, maps: MapOptions, runs: RunNumberOptions
) -> "RunMapFile":
    """Maps of image files, or files of run maps merged."""
    from calovision.monitoring.image_accumulation import accumulate_images
    from calovision.monitoring.run_map_file import is_run_map_file
    from calovision.monitoring.run_map_merge import merge_run_maps

    of_cells = {"--grid": maps.grid, "--eta-range": maps.eta_range, "--eta-edges": maps.eta_edges}
    of_cells |= {"--channels": maps.channels, "--select": runs.select}
    of_runs = {"--run": runs.run, "--lumi-block": runs.lumi_block, "--threshold": maps.threshold}
    if all(map(is_run_map_file, paths)):
        _refuse(of_cells | of_runs | {"--per-lumi-block": runs.per_lumi_block}, "run maps")
        return merge_run_maps(paths, output)
    _refuse(of_cells | {"--per-lumi-block": runs.per_lumi_block}, "image files")
    return accumulate_images(
        paths,
        output,
        run=runs.run or "run",
        lumi_block=runs.lumi_block,
        thresholds=_thresholds(maps.threshold or []),
    )


def _refuse(options: dict[str, Any], what: str) -> None:
    """Raise typer's usage error for options that files of this kind have decided already."""
    for name, value in options.items():
        if value:
            raise typer.BadParameter(
                f"cannot be used with {what}, only with ROOT files.", param_hint=name
            )


def _print_maps(file: "RunMapFile", seconds: float, n_read: int | None) -> None:
    from calovision.cli.summary import pairs, show

    rows = [("output", str(file.path)), ("runs", _numbers(file)), *_described(file)]
    rows.append(("events", f"{int(file.n_events.sum()):,}"))
    if n_read is not None:
        rows.append(("speed", f"{n_read / max(seconds, 1e-9):,.0f} events/s, {seconds:.1f} s"))
    show(pairs(rows))


def _numbers(file: "RunMapFile") -> str:
    runs = sorted(set(file.run.tolist()))
    text = f"{len(runs):,}" + (f", {runs[0]} to {runs[-1]}" if len(runs) > 1 else f", {runs[0]}")
    n_blocks = int((file.lumi_block >= 0).sum())
    return f"{text}, in {n_blocks:,} lumi blocks" if n_blocks else text


def _described(file: "RunMapFile") -> list[tuple[str, str]]:
    """Cells and channels, with their thresholds."""
    about = file.layout.described()
    of_channels = zip(file.channels, file.units, file.thresholds, strict=True)
    channels = ", ".join(
        f"{name} (at least {least:g}{' ' * bool(unit)}{unit})" if least > 0 else name
        for name, unit, least in of_channels
    )
    return [("cells", about["cells"]), ("channels", channels)]


def add_command(name: str, command: Any, **options: Any) -> None:
    """Add a command of ``calovision monitor``, whose docstring is its help."""
    help_text = " ".join(str(command.__doc__).split())
    monitor_app.command(name, help=help_text, **options)(command)


add_command("maps", maps_command, cls=HelpWithNames)
add_command("reference", reference_command)
add_command("check", check_command, cls=HelpWithNames)
