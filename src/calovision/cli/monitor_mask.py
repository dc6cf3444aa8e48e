"""``calovision monitor mask``: flagged towers to a mask of dead cells."""

from pathlib import Path
from typing import Annotated

import typer

from calovision.cli.options import require_new


def mask_command(
    flags: Annotated[
        Path, typer.Argument(metavar="FLAGS.json", help="Flags of runs (flags.json).")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="MASK.json", help="The mask to write.")
    ],
    kind: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="Kinds of faults that count; may be repeated (all)."),
    ] = None,
    min_runs: Annotated[
        int, typer.Option(min=1, metavar="N", help="Runs in which a tower must be flagged.")
    ] = 1,
    by_run: Annotated[
        bool,
        typer.Option("--by-run", help="Dead from the first to the last run of the flags only."),
    ] = False,
    all_channels: Annotated[
        bool, typer.Option("--all-channels", help="In all channels, not in that of the flag.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,
) -> None:
    """Write the flagged towers of runs as a mask, which `images --mask` and the key images.mask of
    the configuration apply.
    """
    require_new(output, force=force)
    from calovision.cli.summary import columns, pairs, show
    from calovision.images.mask_file import write_mask
    from calovision.monitoring.flags import RunFlags
    from calovision.monitoring.masks import mask_of_flags

    mask = mask_of_flags(
        RunFlags.read(flags),
        by_run=by_run,
        kinds=kind or (),
        min_runs=min_runs,
        all_channels=all_channels,
    )
    write_mask(output, mask)
    rows = [
        (
            ", ".join(one.channels) or "all",
            f"{one.eta[0]:.3f} to {one.eta[1]:.3f}",
            f"{one.phi[0]:.3f} to {one.phi[1]:.3f}",
            "all" if one.runs is None else f"{one.runs[0]} to {one.runs[1]}",
            one.reason,
        )
        for one in mask.regions
    ]
    header = ("channel", "eta", "phi", "runs", "fault")
    show(
        pairs([("output", str(output)), ("cells", str(len(rows)))]),
        columns(header, rows, title="dead"),
    )
