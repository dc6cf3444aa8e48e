"""Event accounting of runs of monitoring: from the ROOT files to the merged maps."""

from dataclasses import dataclass
from pathlib import Path

from calovision.accounting import Accounts
from calovision.accounting.run_maps import account_run_maps
from calovision.jobs.atomic import write_json, write_text
from calovision.stages.accounting import AccountingResults
from calovision.stages.arguments import Count, Files, not_counted
from calovision.stages.image_accounts import Sources, sample_sources


@dataclass(frozen=True)
class RunAccountFiles(Files):
    """Files that `check_runs` reads.

    Attributes
    ----------
    maps
        Files of run maps, ``<sample>/<chunk>.h5``.
    merged
        All of them together.
    """

    maps: tuple[Path, ...]
    merged: Path


def check_runs(
    files: RunAccountFiles,
    results: AccountingResults,
    sources: Sources,
    *,
    retries: int = 0,
    count: Count = not_counted,
) -> None:
    """Add up the events of runs from the ROOT files to the merged maps; ``sources`` and
    ``retries`` as of `calovision.stages.image_accounts.check_images`.

    Raises
    ------
    InputError
        As `calovision.accounting.run_maps.account_run_maps`.
    """
    maps = {
        sample: [path for path in files.maps if path.parent.name == sample] for sample in sources
    }
    accounts = account_run_maps(maps, files.merged, sample_sources(sources, retries))
    count(sum(account.read.n for account in accounts))
    found = Accounts(tuple(accounts), {})
    write_json(results.numbers, found.to_json())
    write_text(results.table, found.to_markdown())
