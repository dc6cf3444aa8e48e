"""Event accounting of the image files of a run: from the ROOT files to their rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from calovision.accounting import Accounts, SampleSources, account_images
from calovision.accounting.image_files import SPLIT
from calovision.core.account import Account
from calovision.jobs.atomic import write_json
from calovision.stages.arguments import Count, Files, Options, not_counted
from calovision.storage import read_file_list

Sources = Mapping[str, Mapping[str, Any] | None]
"""``files`` and ``schema`` of `SampleSources` by sample; None where no ROOT file is looked for."""


@dataclass(frozen=True)
class ImageAccountFiles(Files):
    """Files that `check_images` reads.

    Attributes
    ----------
    images
        List of the image files of the training.
    alternatives
        Lists of those of other recipes.
    reach
        Image files of the signals of the reach.
    varied
        Those of the first variation, of the second, ...; equally many of each.
    """

    images: Path
    alternatives: tuple[Path, ...]
    reach: tuple[Path, ...]
    varied: tuple[Path, ...]


@dataclass(frozen=True)
class ImageAccountOptions(Options):
    """Choices of `check_images`.

    Attributes
    ----------
    sources
        ROOT files of the samples of the training and of the reach.
    varied_sources
        Those of each variation.
    recipes
        Names of the recipes of ``alternatives``.
    """

    sources: Sources
    varied_sources: Mapping[str, Sources]
    recipes: Sequence[str]


def check_images(
    files: ImageAccountFiles,
    output: Path,
    options: ImageAccountOptions,
    *,
    retries: int = 0,
    count: Count = not_counted,
) -> None:
    """Check all image files against their ROOT files, and write their accounts; ``retries`` is how
    often an address that does not answer is tried again.

    Raises
    ------
    InputError
        As `calovision.accounting.account_images`.
    """
    sources = sample_sources(options.sources, retries)
    accounts = account_images([*read_file_list(files.images), *files.reach], sources)
    count(sum(account.read.n for account in accounts))
    for recipe, listed in zip(options.recipes, files.alternatives, strict=True):
        found = account_images(read_file_list(listed), sources)
        accounts += _named(found, f"recipe {recipe}")
    n_each = len(files.varied) // max(len(options.varied_sources), 1)
    for number, (variation, of_variation) in enumerate(options.varied_sources.items()):
        varied = files.varied[number * n_each : (number + 1) * n_each]
        accounts += _named(account_images(varied, sample_sources(of_variation, retries)), variation)
    write_json(output, Accounts(tuple(accounts), {}).to_json())


def sample_sources(sources: Sources, retries: int) -> dict[str, SampleSources | None]:
    """ROOT files by sample; ``retries`` is how often an address that does not answer is tried
    again.
    """
    return {
        sample: None if one is None else SampleSources(**one, retries=retries)
        for sample, one in sources.items()
    }


def _named(accounts: Sequence[Account], name: str) -> list[Account]:
    """Accounts of the stages of a variation or recipe, by its name; the split is that of others."""
    return [replace(one, stage=f"{one.stage}, {name}") for one in accounts if one.stage != SPLIT]
