"""Maps of runs against their ROOT files, and merged ones against their parts.

Data have no weights: each event counts 1.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from calovision.accounting.sources import SampleSources, look_at
from calovision.core.account import Account, Count, in_words
from calovision.core.errors import InputError
from calovision.monitoring.run_map_file import RunMapFile
from calovision.ntuples.paths import split_tree
from calovision.ntuples.schemas import find_schemas

RUN_MAPS, MERGED = "run maps", "merged run maps"
EVENTS = "events"
MAP_AGAIN = "remove these run maps and make them again"


def account_run_maps(
    maps: Mapping[str, Sequence[Path]], merged: Path, sources: Mapping[str, SampleSources]
) -> list[Account]:
    """Check maps of runs against ROOT files, and the merged maps run by run against their parts.

    Parameters
    ----------
    maps
        Files of run maps by sample.
    merged
        The merged file.
    sources
        ROOT files of each sample.

    Returns
    -------
    Account ``run maps`` of each sample, from the entries of its ROOT files, of which the selection
    drops some, to events in maps; and ``merged run maps``.

    Raises
    ------
    InputError
        If a ROOT file is in no map or in two, maps without a selection have another number of
        events than the ROOT files have entries, or one with a selection has more; if a run, or a
        lumi block, has another number of events in the merged maps.
    """
    accounts, parts = [], Counter()
    for sample, paths in maps.items():
        files = [RunMapFile(path) for path in paths]
        entries = _entries(sample, files, sources[sample])
        accounts.append(_account(sample, files, entries))
        for file in files:
            parts.update(_events(file))
    whole = Counter(_events(RunMapFile(merged)))
    for key in sorted({*parts, *whole}):
        if parts[key] != whole[key]:
            run, block = key
            name = f"run {run}" + (f", lumi block {block}" if block >= 0 else "")
            raise InputError(
                f"{MERGED}: {merged}: {name} has {whole[key]:,} events, but {parts[key]:,} in the "
                f"files that were merged: {in_words(whole[key] - parts[key])}; {MAP_AGAIN}"
            )
    for account in list(accounts):
        wrote = account.output
        accounts.append(Account(MERGED, account.sample, wrote, wrote={EVENTS: wrote}))
    return accounts


def _entries(sample: str, files: Sequence[RunMapFile], sources: SampleSources) -> dict[str, int]:
    """Entries of each ROOT file of a sample by its name without the tree, each of which is in one
    file of maps.
    """
    found = Counter(path for file in files for path, _ in file.origin.source_files)
    schemas = tuple(one.without_generation() for one in find_schemas(sources.schema))
    given = list(found if sources.files is None else sources.files)
    trees = look_at(given, SampleSources(given, schemas, sources.retries))
    entries: Counter[str] = Counter()
    n_trees = Counter(split_tree(name)[0] for name in given)
    for name, tree in trees.items():
        entries[split_tree(name)[0]] += tree.entries or 0
    for path in {**n_trees, **found}:
        if found[path] != n_trees[path]:
            raise InputError(
                f"sample '{sample}', {RUN_MAPS}: {path} ({entries[path]:,} entries) is in "
                f"{found[path]} files of run maps, but {n_trees[path]} times among the ROOT files "
                f"of the sample; {MAP_AGAIN}"
            )
    return entries


def _account(sample: str, files: Sequence[RunMapFile], entries: Mapping[str, int]) -> Account:
    """Account of the maps of a sample, each file of which is compared by itself."""
    read = wrote = 0
    for file in files:
        n_entries = sum(entries[path] for path, _ in file.origin.source_files)
        n_events = int(file.n_events.sum())
        if n_events > n_entries or (n_events < n_entries and not file.origin.selection):
            raise InputError(
                f"sample '{sample}', {RUN_MAPS}: {file.path} has {n_events:,} events of "
                f"{n_entries:,} entries of its ROOT files: {in_words(n_events - n_entries)}; "
                f"{MAP_AGAIN}"
            )
        read, wrote = read + n_entries, wrote + n_events
    counts = [Count(n, float(n), float(n)) for n in (read, wrote, read - wrote)]
    dropped = {"selection": counts[2]} if any(file.origin.selection for file in files) else {}
    return Account(RUN_MAPS, sample, counts[0], dropped, {EVENTS: counts[1]})


def _events(file: RunMapFile) -> dict[tuple[int, int], int]:
    """Events of each run and lumi block."""
    columns = (np.asarray(one).tolist() for one in (file.run, file.lumi_block, file.n_events))
    return {(run, block): n for run, block, n in zip(*columns, strict=True)}
