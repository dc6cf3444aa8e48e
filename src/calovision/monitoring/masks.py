"""Masks of the towers that were flagged, for the builder of images (`calovision.images.masks`)."""

from collections.abc import Sequence

import numpy as np

from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid
from calovision.images.masks import DeadRegion, Mask
from calovision.monitoring.flags import RunFlags

EVERY_CHANNEL = "all"


def mask_of_flags(
    flags: RunFlags,
    *,
    by_run: bool = False,
    kinds: Sequence[str] = (),
    min_runs: int = 1,
    all_channels: bool = False,
) -> Mask:
    """Mask of the flagged towers, a region each with the edges of the cell.

    Parameters
    ----------
    flags
        As of ``flags.json``.
    by_run
        A tower is dead from the first to the last run in which it is flagged; else in all.
    kinds
        Kinds of faults (`Alarm.kind`, or `Alarm.fault`) that count; none for all.
    min_runs
        Runs in which a tower must be flagged.
    all_channels
        Mask the cell in all channels, not in that of the flag alone.

    Raises
    ------
    InputError
        If no tower is left, or a kind is not among those of the flags.
    """
    known = {name for one in flags.alarms for name in (one.kind, one.fault) if name}
    if unknown := [name for name in kinds if name not in known]:
        raise InputError(
            f"no flag is of the kind '{unknown[0]}'; there are "
            f"{', '.join(sorted(known)) or 'none at all'}"
        )
    runs: dict[tuple[str, int, int], set[int]] = {}
    reasons: dict[tuple[str, int, int], str] = {}
    for alarm in flags.alarms:
        if kinds and not {alarm.kind, alarm.fault} & set(kinds):
            continue
        channel = EVERY_CHANNEL if all_channels else alarm.channel
        for tower in alarm.towers:
            cell = channel, tower.eta_index, tower.phi_index
            runs.setdefault(cell, set()).add(alarm.run)
            reasons.setdefault(cell, alarm.fault or alarm.kind)
    cells = {cell: of_cell for cell, of_cell in runs.items() if len(of_cell) >= min_runs}
    if not cells:
        raise InputError(
            f"no tower is flagged in {min_runs} run{'s'[: min_runs > 1]} or more, of "
            f"{len(flags.runs)}: there is nothing to mask"
        )
    grid = grid_of(flags)
    return Mask(
        tuple(
            region_of_cell(
                grid,
                eta,
                phi,
                channels=() if channel == EVERY_CHANNEL else (channel,),
                runs=(min(of_cell), max(of_cell)) if by_run else None,
                reason=reasons[channel, eta, phi],
            )
            for (channel, eta, phi), of_cell in sorted(cells.items())
        )
    )


def grid_of(flags: RunFlags) -> EtaPhiGrid:
    """Cells of the flags; InputError if the file does not say."""
    try:
        return EtaPhiGrid.with_eta_edges(tuple(flags.grid["eta_edges"]), int(flags.grid["n_phi"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"the flags do not say their cells: grid is {flags.grid}") from error


def region_of_cell(grid: EtaPhiGrid, eta_index: int, phi_index: int, **more: object) -> DeadRegion:
    """Region of a cell of a grid; ``more`` as of `DeadRegion`.

    Raises
    ------
    InputError
        If the grid has no such cell.
    """
    if not (0 <= eta_index < grid.n_eta and 0 <= phi_index < grid.n_phi):
        raise InputError(
            f"cell ({eta_index}, {phi_index}) is none of {grid.n_eta}x{grid.n_phi}, counted from 0"
        )
    eta, phi = grid.edges_in_eta, grid.edges_in_phi
    ends = [
        tuple(map(float, edges[i : i + 2])) for edges, i in ((eta, eta_index), (phi, phi_index))
    ]
    return DeadRegion(*ends, **more)


def mask_of_towers(grid: EtaPhiGrid, towers: np.ndarray, channels: Sequence[str] = ()) -> Mask:
    """Mask of cells by their indices ``(n, 2)`` in eta and phi, in the given channels or all."""
    return Mask(
        tuple(region_of_cell(grid, *map(int, one), channels=tuple(channels)) for one in towers)
    )
