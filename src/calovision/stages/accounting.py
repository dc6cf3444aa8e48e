"""Event accounting of a run: from its image files to its scores and tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from calovision.accounting import Accounts
from calovision.accounting.applications import account_application
from calovision.accounting.image_files import SPLIT
from calovision.accounting.networks import SCORES, Network, account_networks, account_scores
from calovision.accounting.tables import account_table
from calovision.core.account import Account
from calovision.core.splits import SPLITS, Folds
from calovision.evaluation.tagging.tables import row_weights
from calovision.jobs.atomic import write_json, write_text
from calovision.stages.arguments import Count, Files, Options, not_counted
from calovision.stages.collections import Definitions, open_files, open_list
from calovision.stages.image_accounts import Sources, sample_sources
from calovision.storage import ImageCollection
from calovision.storage.normalization import expected_per_weight
from calovision.storage.targets import target_values

BUILD_AGAIN = "remove the accounts of the images and run the workflow again"
NO_TARGET, NOT_POSITIVE = "without a target", "target not above 0"


@dataclass(frozen=True)
class AccountingFiles(Files):
    """Files that `check_accounting` reads.

    Attributes
    ----------
    images, alternatives
        List of the image files of the training, and those of other recipes.
    variables
        Lists of the tables with variables of branches.
    image_accounts
        As `calovision.stages.image_accounts.check_images` writes them.
    scores, models
        Score file and ``model.json`` of every network: the models in the order of
        ``AccountingOptions.networks``, the networks of each in theirs.
    rows
        Table of the test events or rows.
    reach, reach_scores
        Image files of the signals of the reach, and their score files, ``<sample>.h5``.
    varied, varied_scores
        Image files of the variations, equally many of each, and the score files of each.
    applied
        Friend trees of the samples that only get scores, ``<sample>/<file>.root``.
    """

    images: Path
    alternatives: tuple[Path, ...]
    variables: tuple[Path, ...]
    image_accounts: Path
    scores: tuple[Path, ...]
    models: tuple[Path, ...]
    rows: Path
    reach: tuple[Path, ...]
    reach_scores: tuple[Path, ...]
    varied: tuple[Path, ...]
    varied_scores: tuple[Path, ...]
    applied: tuple[Path, ...]


@dataclass(frozen=True)
class AccountingResults(Files):
    """Files that `check_accounting` writes: JSON and Markdown."""

    numbers: Path
    table: Path


@dataclass(frozen=True)
class AccountingOptions(Options):
    """Choices of `check_accounting`.

    Attributes
    ----------
    networks
        Model -> names of its networks, ``seed1`` or ``seed1/fold0``.
    recipes
        Names of the recipes of ``alternatives``.
    recipe_of
        Model -> recipe of its images; None for that of all.
    folds
        Arguments of `calovision.core.splits.Folds`; None without folds.
    luminosity_fb
        Of the expected events, 1/fb; None where they are none.
    target
        Column that is learned; None where classes are.
    is_relative
        Whether rows whose target is not above 0 are left out.
    varied_models
        Variation -> models that score it.
    applied_sources
        ROOT files of the samples that only get scores, in the order of ``applied``.
    definitions
        Variables of the user's own.
    """

    networks: Mapping[str, Sequence[str]]
    recipes: Sequence[str]
    recipe_of: Mapping[str, str | None]
    folds: Mapping[str, Any] | None
    luminosity_fb: float | None
    target: str | None
    is_relative: bool
    varied_models: Mapping[str, Sequence[str]]
    applied_sources: Sources = field(default_factory=dict)
    definitions: Definitions = field(default_factory=dict)


def check_accounting(
    files: AccountingFiles,
    results: AccountingResults,
    options: AccountingOptions,
    *,
    retries: int = 0,
    count: Count = not_counted,
) -> None:
    """Add up all events of a run from the ROOT files to the scores and tables; ``retries`` as of
    `calovision.stages.image_accounts.check_images`.

    Raises
    ------
    InputError
        If something is lost, there twice or altered: one sentence that names the stage, the sample,
        the files and both numbers.
    """
    collection = open_list(files.images, options.definitions, files.variables)
    count(len(collection))
    of_images = Accounts.read(files.image_accounts).accounts
    folds = None if options.folds is None else Folds(**options.folds)
    of_networks = _account_networks(files, options, collection, folds)
    _require_links(of_images, of_networks, files.image_accounts)
    reach, scale = _account_reach(files, options)
    accounts = [
        *of_images,
        *of_networks,
        *_account_rows(files, options, collection, folds),
        *reach,
        *_account_variations(files, options),
        *_account_applications(files, options, retries),
    ]
    found = Accounts(tuple(accounts), _expected(collection, options.luminosity_fb) | scale)
    write_json(results.numbers, found.to_json())
    write_text(results.table, found.to_markdown())


def _account_networks(
    files: AccountingFiles,
    options: AccountingOptions,
    collection: ImageCollection,
    folds: Folds | None,
) -> list[Account]:
    """Accounts of the networks of all models, each with the images that it looks at."""
    recipes = dict(zip(options.recipes, files.alternatives, strict=True))
    of_all = zip(files.models, files.scores, strict=True)
    accounts = []
    for model, names in options.networks.items():
        recipe = options.recipe_of.get(model)
        images = collection if recipe is None else open_list(recipes[recipe])
        networks = [
            Network(f"{model}/{name}", *next(of_all), None if folds is None else _fold(name))
            for name in names
        ]
        accounts += account_networks(images, networks, folds)
    return accounts


def _fold(network: str) -> int:
    """Fold in the name of a network, ``seed1/fold0``."""
    return int(network.rpartition("/fold")[2])


def _require_links(
    of_images: Sequence[Account], of_networks: Sequence[Account], path: Path
) -> None:
    """Raise InputError unless networks score what the splits of the image files have."""
    written = {one.sample: one.output for one in of_images if one.stage == SPLIT}
    for account in of_networks:
        if account.stage == SCORES and account.sample in written:
            account.require_link(
                written[account.sample], "the split of the image files", str(path), BUILD_AGAIN
            )


def _account_rows(
    files: AccountingFiles,
    options: AccountingOptions,
    collection: ImageCollection,
    folds: Folds | None,
) -> list[Account]:
    """Accounts of the table of test events or rows."""
    is_test = collection.column("split") == SPLITS.index("test")
    indices = np.arange(len(collection)) if folds is not None else np.flatnonzero(is_test)
    left_out = {}
    if options.target is not None:
        truth = target_values(collection, options.target)[indices]
        left_out[NO_TARGET] = np.isnan(truth)
        if options.is_relative:
            left_out[NOT_POSITIVE] = truth <= 0
        left_out = {reason: one for reason, one in left_out.items() if one.any()}
    if options.luminosity_fb is None:
        weights, _ = row_weights(collection)
    else:
        weights = collection.event_weights(options.luminosity_fb)
    return account_table(collection, files.rows, indices, weights, left_out)


def _account_reach(
    files: AccountingFiles, options: AccountingOptions
) -> tuple[list[Account], dict[str, float]]:
    """Accounts of the scores of the signals of the reach, and their expected events."""
    accounts, scale = [], {}
    all_rows = options.folds is not None
    for path in files.reach_scores:
        images = open_files([one for one in files.reach if one.parent.name == path.stem])
        accounts += account_scores(images, path, "scores of the reach", all_rows=all_rows)
        scale |= _expected(images, options.luminosity_fb)
    return accounts, scale


def _account_variations(files: AccountingFiles, options: AccountingOptions) -> list[Account]:
    """Accounts of the scores of the variations."""
    n_each = len(files.varied) // max(len(options.varied_models), 1)
    scores = iter(files.varied_scores)
    accounts = []
    for number, (variation, models) in enumerate(options.varied_models.items()):
        images = open_files(files.varied[number * n_each : (number + 1) * n_each])
        for model in models:
            stage = f"{SCORES}, {variation}"
            choices = {"network": model, "all_rows": options.folds is not None}
            accounts += account_scores(images, next(scores), stage, **choices)
    return accounts


def _account_applications(
    files: AccountingFiles, options: AccountingOptions, retries: int
) -> list[Account]:
    """Accounts of the samples that only get scores."""
    scores = iter(files.applied)
    return [
        account_application(sample, list(islice(scores, len(one.files))), one)
        for sample, one in sample_sources(options.applied_sources, retries).items()
    ]


def _expected(collection: ImageCollection, luminosity_fb: float | None) -> dict[str, float]:
    """Expected events for a generator weight of 1, of the samples that have events."""
    if luminosity_fb is None:
        return {}
    infos = {
        sample: [file.metadata for file in collection.of_sample(sample)]
        for sample in collection.samples
        if any(map(len, collection.of_sample(sample)))
    }
    return {
        sample: expected_per_weight(sample, of_sample, luminosity_fb)
        for sample, of_sample in infos.items()
    }
