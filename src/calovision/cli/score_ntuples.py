"""``calovision score`` on ROOT files: a file with the scores of every entry for each."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from calovision.core.errors import InputError

if TYPE_CHECKING:
    from calovision.cli.score import NetworkOptions, NtupleScoringOptions, ScoringOptions
    from calovision.scoring import ScoredFile

PROCESSES = 2  # so that a network does not wait for the images of a long file


def score_root_files(
    model: Path,
    files: list[str],
    output: Path,
    scoring: "ScoringOptions",
    network: "NetworkOptions",
    ntuples: "NtupleScoringOptions",
    *,
    force: bool,
) -> None:
    """Write the scores of the entries of ROOT files into a folder, and print what was written."""
    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file: give the folder for the scores of the ROOT files")
    from calovision.cli.progress import event_progress
    from calovision.jobs.compilation import skip_numba_extensions
    from calovision.models import load_model
    from calovision.ntuples import expand_paths
    from calovision.scoring import NtupleOptions, choose_device, score_ntuples

    skip_numba_extensions()
    device = choose_device(scoring.device)
    loaded = load_model(model, allow_imports=network.allow_imports)
    name = loaded.specification.network
    given = {name: value for name, value in vars(ntuples).items() if value is not None}
    given = {"processes": PROCESSES} | given
    start = time.perf_counter()
    with event_progress(None) as progress:
        found = score_ntuples(
            loaded,
            expand_paths(files),
            output,
            NtupleOptions(force=force, **given),
            attributes={"model": str(model), "network": name, "n_rotations": network.rotations},
            progress=progress,
            device=scoring.device,
            batch_size=scoring.batch_size,
            n_rotations=network.rotations,
        )
    seconds = time.perf_counter() - start
    speed = f"{progress.done / max(seconds, 1e-9):,.0f} events/s, {seconds:.1f} s, device {device}"
    print_files(found, [("model", f"{model}, network {name}"), ("speed", speed)])


def print_files(found: list["ScoredFile"], rows: list[tuple[str, str]]) -> None:
    """Print for each file its entries, those that pass, and the mean probability of signal, or of
    more than two classes that of each.
    """
    from calovision.cli.summary import columns, pairs, show

    names = next((tuple(one.totals) for one in found if one.totals), ("score",))
    table = [
        (
            str(one.output),
            one.n_entries,
            one.n_passed,
            *(f"{one.totals[name] / one.n_scored:.4f}" if one.n_scored else "-" for name in names),
        )
        for one in found
    ]
    entries = str(sum(one.n_entries for one in found))
    means = ["mean probability"] if names == ("score",) else [f"mean {name}" for name in names]
    header = ("scores", "entries", "passed", *means)
    show(pairs([*rows, ("entries", entries)]), columns(header, table, title="files"))
