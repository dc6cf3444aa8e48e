"""The options of ``calovision images``, as types of its arguments."""

from pathlib import Path
from typing import Annotated

import typer

from calovision.cli.options import ImageCompression, JetRecipeName, OnBadFile

INPUT, IMAGES, JETS, WEIGHTS, RUN = (
    "Ntuples",
    "Images",
    "Fat jets and jet images",
    "Sample and weights",
    "Run",
)

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILES",
        help="ROOT files: paths, globs, addresses (root://...), or .txt/.list files.",
    ),
]
Schema = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FILE.yaml",
        help="Layout of the ntuples: calovision, delphes, jetclass, nanoaod or a file (found by "
        "itself).",
        rich_help_panel=INPUT,
    ),
]
Tree = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Tree with the events, if not the schema's.", rich_help_panel=INPUT
    ),
]
BadFile = Annotated[
    OnBadFile,
    typer.Option(help="What to do about a file that cannot be read.", rich_help_panel=INPUT),
]

Grid = Annotated[
    str | None,
    typer.Option(
        metavar="ETAxPHI", help="Cells (64x64, or the jet recipe's).", rich_help_panel=IMAGES
    ),
]
EtaRange = Annotated[
    tuple[float, float] | None,
    typer.Option(metavar="LOW HIGH", help="Of the images (-2.5 2.5).", rich_help_panel=IMAGES),
]
EtaEdges = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,C...", help="Edges in eta of cells of unequal size.", rich_help_panel=IMAGES
    ),
]
Channels = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,C",
        help="Of energy, em, had, et, em_et, had_et, towers, tracks, track_pt, charged_pt, "
        "neutral_pt "
        "(em_et,had_et,tracks; for jets the recipe's, or et).",
        rich_help_panel=IMAGES,
    ),
]
Select = Annotated[
    list[str] | None,
    typer.Option(
        metavar="EXPR",
        help='Cut on n_fat_jets, mj_sum, ht, leading_pt, delta_eta_12, as "mj_sum > 600" or '
        '"(n_fat_jets >= 4) & (delta_eta_12 < 1.4)"; may be repeated. '
        "Fat jets are clustered where the file has none.",
        rich_help_panel=IMAGES,
    ),
]
NoSelection = Annotated[
    bool,
    typer.Option("--no-selection", help="All events, as without --select.", rich_help_panel=IMAGES),
]
Compression = Annotated[
    ImageCompression, typer.Option(help="Of the output.", rich_help_panel=IMAGES)
]

Jets = Annotated[
    bool, typer.Option("--jets", help="Images of the leading fat jets.", rich_help_panel=JETS)
]
JetsPerEvent = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Leading fat jets of each event (1).", rich_help_panel=JETS
    ),
]
JetRecipe = Annotated[
    JetRecipeName | None,
    typer.Option(
        help="Published recipe (none: cells around the jet axis, no other step).",
        rich_help_panel=JETS,
    ),
]
JetWidth = Annotated[
    float | None,
    typer.Option(
        metavar="RAD",
        help="Width of a jet image (the recipe's, or twice the radius).",
        rich_help_panel=JETS,
    ),
]
Radius = Annotated[float, typer.Option(metavar="RAD", help="Of fat jets.", rich_help_panel=JETS)]
PtMin = Annotated[float, typer.Option(metavar="GEV", help="Of fat jets.", rich_help_panel=JETS)]
EtaMax = Annotated[
    float, typer.Option(metavar="ETA", help="Of fat jets, |eta|.", rich_help_panel=JETS)
]
Trimmed = Annotated[
    bool, typer.Option("--trimmed", "--groomed", help="Trim the fat jets.", rich_help_panel=JETS)
]

Label = Annotated[
    int, typer.Option(min=0, max=1, help="1 for signal, 0 for background.", rich_help_panel=WEIGHTS)
]
Sample = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Of the sample (name of the output without .h5).",
        rich_help_panel=WEIGHTS,
    ),
]
CrossSection = Annotated[
    float | None,
    typer.Option(
        metavar="PB", help="Of the sample, pb (the file's, if it has one).", rich_help_panel=WEIGHTS
    ),
]
WeightIndex = Annotated[
    int,
    typer.Option(
        min=0, metavar="N", help="Which of several generator weights.", rich_help_panel=WEIGHTS
    ),
]
WeightsIncludeCrossSection = Annotated[
    bool,
    typer.Option(
        "--weights-include-cross-section",
        help="Weights contain the cross-section.",
        rich_help_panel=WEIGHTS,
    ),
]
NGenerated = Annotated[
    str | None,
    typer.Option(
        metavar="N|HISTOGRAM",
        help="Events generated for all files, or the counter histogram in each.",
        rich_help_panel=WEIGHTS,
    ),
]
SumOfWeights = Annotated[
    str | None,
    typer.Option(
        metavar="X|HISTOGRAM",
        help="Sum of the weights of the generated events.",
        rich_help_panel=WEIGHTS,
    ),
]
SplitSeed = Annotated[
    int,
    typer.Option(
        metavar="N", help="Of the split into train, validation and test.", rich_help_panel=WEIGHTS
    ),
]
SplitFractions = Annotated[
    str,
    typer.Option(
        metavar="A,B,C", help="Shares of train, validation and test.", rich_help_panel=WEIGHTS
    ),
]

SplitGroup = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Draw the split from this name, not from the sample's: for samples that share ROOT "
        "files.",
        rich_help_panel=WEIGHTS,
    ),
]

Output = Annotated[
    Path,
    typer.Option(
        "--output", "-o", metavar="OUT.h5", help="The image file to write.", rich_help_panel=RUN
    ),
]
Processes = Annotated[
    int,
    typer.Option(min=1, metavar="N", help="Processes that share the files.", rich_help_panel=RUN),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the output.", rich_help_panel=RUN)]
