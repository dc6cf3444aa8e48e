"""``calovision account``: image files against their ROOT files."""

from pathlib import Path
from typing import Annotated

import typer


def account_command(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES", help="Image files: all of each sample.")
    ],
    ntuples: Annotated[
        list[str] | None,
        typer.Option(
            "--ntuples",
            metavar="FILES",
            help="ROOT files that the image files, of one sample, must have the events of: paths, "
            "wildcards, addresses, lists (those that they name).",
        ),
    ] = None,
    schema: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE.yaml", help="Schema of the ROOT files (the stored one)."),
    ] = None,
) -> None:
    """Count the entries of the ROOT files again, and check that each was read once and that rows,
    weights and splits of the image files are those of their cut flows.
    """
    from calovision.accounting import Accounts, SampleSources, account_images
    from calovision.cli.summary import columns, show
    from calovision.ntuples import expand_paths
    from calovision.storage import ImageFile

    given = None if ntuples is None else expand_paths(ntuples)
    samples = {ImageFile(path).metadata.sample for path in files}
    sources = {one: SampleSources(given, schema) for one in samples}
    found = Accounts(tuple(account_images(files, sources)), {})
    show(columns(found.header, found.rows(), title="accounts"))
