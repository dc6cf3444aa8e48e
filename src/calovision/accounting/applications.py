"""Scores of further ROOT files: a friend tree has an entry for each of the file's."""

from collections.abc import Sequence
from pathlib import Path

from calovision.accounting.image_files import ENTRIES
from calovision.accounting.sources import SampleSources, look_at
from calovision.core.account import Account, Count, in_words
from calovision.core.errors import InputError
from calovision.ntuples.root_file import find_tree, opened, tree_kinds

APPLICATION = "scores of the application"
SCORE_AGAIN = "remove the file of scores and score again"


def account_application(sample: str, scores: Sequence[Path], sources: SampleSources) -> Account:
    """Check the friend trees of a sample that only gets scores.

    Parameters
    ----------
    sample
        Name.
    scores
        ROOT files of scores.
    sources
        The ROOT files that were scored, in the same order.

    Returns
    -------
    Account of numbers of entries; weights are not looked at, each entry counts 1.

    Raises
    ------
    InputError
        If a friend tree has another number of entries, or a file cannot be read.
    """
    trees = look_at(sources.files or (), sources)
    read = 0
    for (source, tree), path in zip(trees.items(), scores, strict=True):
        n_scored, n_entries = _entries(path), tree.entries or 0
        if n_scored != n_entries:
            raise InputError(
                f"sample '{sample}', {APPLICATION}: {path} has scores of {n_scored:,} entries, but "
                f"{source} has {n_entries:,}: {in_words(n_scored - n_entries)}; {SCORE_AGAIN}"
            )
        read += n_entries
    count = Count(read, float(read), float(read))
    return Account(APPLICATION, sample, count, wrote={ENTRIES: count})


def _entries(path: Path) -> int:
    """Entries of the only tree of a file."""
    with opened(path) as file:
        names = list(tree_kinds(file))
        if len(names) != 1:
            raise InputError(f"{path}: it has {len(names)} trees, not one of scores; {SCORE_AGAIN}")
        return int(find_tree(file, names[0], path).num_entries)
