"""Sections of a configuration that stand alone: jets, images, split, reach, robustness, plots.

GeV and radians.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, create_model, field_validator, model_validator

from calovision.conversion.variations import VARIATIONS, VariationEntry
from calovision.core.errors import InputError
from calovision.core.splits import SPLITS
from calovision.images.fills import FILLS
from calovision.jets.variables import EVENT_COLUMNS, Variable
from calovision.models.networks import POINTS_OF_EVENTS
from calovision.workflow.channels import ByLayer, Channel
from calovision.workflow.chunks import EVENTS_PER_BATCH
from calovision.workflow.jet_images import JetImages
from calovision.workflow.keys import (
    Choices,
    Entry,
    Name,
    Number,
    Section,
    Text,
    Truth,
    Unique,
    Whole,
    key,
)

Share = Annotated[Number, Field(gt=0)]
Efficiency = Annotated[Number, Field(gt=0, le=1)]


class Simulation(Section):
    """Simulation of the ntuples of samples that are not read from files."""

    events_per_job: Whole = key(
        20000,
        "Largest number of events that one job generates",
        details=f"Random numbers start afresh every {EVENTS_PER_BATCH} events, so that the cut "
        "into jobs changes no event; another one makes the images again.",
        ge=EVENTS_PER_BATCH,
    )


class FatJets(Section):
    """Fat jets that count."""

    radius: Number = key(
        1.0,
        "Anti-kt radius, where the file has no fat jets of its own",
        details="Jet images of a file's own jets without constituents are made with it, too, "
        "unless the schema gives the `fat_jet_radius`; they are refused if these are other jets.",
        unit="rad",
        gt=0,
        le=100,
    )
    pt_min: Number = key(200, "Lowest transverse momentum", unit="GeV", ge=0)
    eta_max: Number = key(2.0, "Largest absolute pseudorapidity", gt=0)
    groomed: Truth = key(
        False,
        "Trim them, as the ATLAS search does (arXiv:1804.03568)",
        details="Files with trimmed jets of their own give those, in others they are clustered "
        "from the towers.",
    )
    r_sub: Number = key(0.2, "Radius of the kt subjets in the trimming", unit="rad", gt=0, le=100)
    f_cut: Number = key(
        0.05,
        "Smallest share of the jet's pT that a subjet must have to stay",
        ge=0,
        lt=1,
    )


class EventContent(Section):
    """Small-R jets, event shapes, counts; null leaves them out."""

    radius: Number = key(0.4, "Anti-kt radius of the small-R jets", unit="rad", gt=0, le=100)
    pt_min: Number = key(50, "Lowest transverse momentum of these jets", unit="GeV", ge=0)
    eta_max: Number = key(2.8, "Largest absolute pseudorapidity of these jets", gt=0)
    acceptance: Number = key(
        2.5,
        "Largest |eta| of the towers and tracks that are counted and kept",
        gt=0,
    )
    leading_towers: Whole = key(
        0, "Hardest towers kept of each event, for networks of points", ge=0, le=10_000
    )
    leading_tracks: Whole = key(0, "Hardest tracks kept of each event", ge=0, le=10_000)

    @property
    def numbers_kept(self) -> dict[str, int]:
        """Numbers of points, by their columns."""
        return {name: getattr(self, name) for name in POINTS_OF_EVENTS}


class Selection(Section):
    """Cuts on the event variables."""

    preselection: dict[str, Annotated[str, Field(strict=True)]] = key(
        {
            "three fat jets": "n_fat_jets >= 3",
            "leading jet above 440 GeV": "leading_pt > 440",
        },
        "Cuts on all events by name, applied in this order",
        details="Expressions on the event variables, such as `n_fat_jets >= 3`. With images of "
        "jets there are none unless some are given.",
    )
    signal_region: Annotated[str, Field(strict=True)] = key(
        "(delta_eta_12 < 1.4) "
        "& (((n_fat_jets >= 4) & (mj_sum > 800)) | ((n_fat_jets >= 5) & (mj_sum > 600)))",
        "Cut of the search",
        details="One expression on the event variables: comparisons in parentheses joined by `&`, "
        "`|`, `~`, or without by `and`, `or`, "
        "`not` (docs/own_files.md).",
    )

    def check(self, *, with_content: bool, own: Mapping[str, Variable]) -> None:
        """Raise InputError unless each cut is readable, true or false, and uses known variables.

        Parameters
        ----------
        with_content
            There are the variables of `EventContent`, too.
        own
            Variables of the user's own.
        """
        known = {"with_content": with_content, "own": own}
        for name, cut in self.preselection.items():
            self._check_cut(f"preselection.{name}", name, cut, **known)
        name, cut = "signal_region", self.signal_region
        self._check_cut(name, name, cut, further=EVENT_COLUMNS, **known)

    @staticmethod
    def _check_cut(where: str, name: str, cut: str, **known: Any) -> None:
        from calovision.selection import check_configured_cut

        try:
            check_configured_cut(name, cut, **known)
        except InputError as error:
            raise InputError(f"configuration key 'selection.{where}': {error}") from error


class Images(Section):
    """Images, and the jobs that build them."""

    kind: Annotated[str, Field(strict=True), Choices("event", "jet")] = key(
        "event", "Rows of the image files: events, or the leading fat jets of each"
    )
    jets: JetImages = key(JetImages)
    grid: tuple[Annotated[Whole, Field(ge=1)], Annotated[Whole, Field(ge=1)]] = key(
        (64, 64), "Number of cells in eta and in phi"
    )
    eta_range: tuple[Number, Number] = key(
        (-2.5, 2.5), "Edges of the image in eta; phi is the full circle"
    )
    eta_edges: Annotated[tuple[Number, ...], Field(min_length=2)] | None = key(
        None,
        "Edges of cells of unequal size in eta, instead of eta_range",
        details="They are one more than the cells, as `[-4.9, -2.5, 0, 2.5, 4.9]`.",
    )
    channels: Annotated[tuple[Channel, ...], ByLayer(), Unique()] = key(
        ("em_et", "had_et", "tracks"),
        "Channels of the images",
        min_length=1,
        details="Of towers with a `layer` also by layer: `energy_layer3`, `energy_layer0-11` or "
        "`{layers: [0, 1, 2], quantity: energy}` (docs/depth.md).",
    )
    mask: Text | None = key(
        None,
        "Mask of dead cells, a JSON file as `calovision monitor mask` writes it; null: none",
        details="Its regions in eta and phi may be cells of other images: a cell is dead where "
        "they cover half of it. Jets and variables do not feel it. Regions of some runs need the "
        "variable `run` (`variables: {run: {branch: run_number}}`).",
    )
    mask_fill: Annotated[str, Field(strict=True), Choices(*FILLS)] = key(
        "zero",
        "Content of dead cells",
        details="`zero`: none; `neighbours`: the mean of the live cells around them.",
    )
    events_per_job: Annotated[Whole, Field(ge=1)] | None = key(
        None,
        "Largest number of events of a job; null: a job per ROOT file",
        details="Larger files are cut into ranges of entries, smaller ones joined. The entries are "
        "counted once (`<results_dir>/entry_counts.json`), or stand in the list of files "
        "(`.txt`): `a.root 12345`. Changes no result; another cut makes the images again.",
    )
    remote_retries: Whole = key(
        5,
        "Further tries of an address that does not answer",
        details="After 1, 2, 4, 8 ... seconds. XRootD itself tries to reach a server twice, for 30 "
        "seconds, unless `XRD_CONNECTIONRETRY` and `XRD_CONNECTIONWINDOW` are set.",
        ge=0,
        le=20,
    )
    chunk_size: Annotated[Whole, Field(ge=1)] | None = key(
        None,
        "Events in memory at a time; null: as fit a bounded memory",
        details="It does not change the result.",
    )
    compression: Annotated[str, Field(strict=True), Choices("none", "blosc2")] = key(
        "none",
        "Compression of the image files",
        details="`blosc2`: smaller files, slower reading.",
    )
    on_bad_file: Annotated[str, Field(strict=True), Choices("fail", "skip")] = key(
        "fail",
        "Action on a ROOT file that cannot be read",
        details="`fail` stops the run; `skip` leaves the file out, corrects the weights, and lists "
        "it in the report's table.",
    )

    @property
    def is_of_jets(self) -> bool:
        """The rows are jets."""
        return self.kind == "jet"

    @property
    def jet_columns(self) -> tuple[str, ...]:
        """Columns of one number a jet; none where the rows are events."""
        return self.jets.columns if self.is_of_jets else ()

    def cells_and_channels(
        self, radius: float, recipe: str | None = None
    ) -> tuple[tuple[int, int], tuple[str, ...]]:
        """Cells in eta and in phi, and channels, of the image files.

        Parameters
        ----------
        radius, recipe
            Radius of the fat jets, and one of their alternatives, as of `JetImages.image_recipe`,
            whose errors it raises.
        """
        if not self.is_of_jets:
            return self.grid, self.channels
        images = self.jets.image_recipe(radius, recipe)
        return (images.grid.n_eta, images.grid.n_phi), images.channels

    def check_kind(self) -> None:
        """Raise InputError for keys of the other kind of images, which nothing would read."""
        nominal = type(self)()
        if not self.is_of_jets and self.jets != nominal.jets:
            raise InputError(
                "configuration key 'images.jets': the images are of events, so that nothing reads "
                "it; give images.kind: jet, or leave it out"
            )
        if self.is_of_jets and self.mask is not None:
            raise InputError(
                "configuration key 'images.mask': it is of the detector's cells, and the images "
                "are of jets, around their axis; leave it out"
            )
        if self.mask is None and self.mask_fill != nominal.mask_fill:
            raise InputError(
                "configuration key 'images.mask_fill': there is no mask whose cells it would fill; "
                "give images.mask, or leave it out"
            )
        for name in ("grid", "eta_range", "eta_edges", "channels"):
            if self.is_of_jets and getattr(self, name) != getattr(nominal, name):
                instead = {"grid": "grid", "channels": "channels"}.get(name, "width")
                raise InputError(
                    f"configuration key 'images.{name}': it is of images of events, and the images "
                    f"are of jets; give images.jets.{instead} instead"
                )

    def check_mask(self, where: str, path: str | None, own: Mapping[str, Variable]) -> None:
        """Raise InputError unless the mask of a file fits these images.

        Parameters
        ----------
        where
            Its key.
        path
            The file; None for no mask.
        own
            Variables of the user's own.
        """
        if path is None:
            return
        from calovision.conversion.masking import RUN
        from calovision.images.grid import EtaPhiGrid
        from calovision.images.mask_file import read_mask

        try:
            mask = read_mask(path)
            mask.check(EtaPhiGrid(*self.grid, self.eta_range, self.eta_edges), self.channels)
            if mask.has_runs and RUN not in own:
                raise InputError(
                    f"regions of some runs need the variable '{RUN}': give it under variables"
                )
        except InputError as error:
            raise InputError(f"configuration key '{where}': {error}") from error

    def check_grid(self) -> None:
        """Raise InputError unless the cells and edges make a grid."""
        from calovision.images.grid import EtaPhiGrid

        try:
            EtaPhiGrid(*self.grid, self.eta_range, self.eta_edges)
        except InputError as error:
            name = "grid" if self.eta_edges is None else "eta_edges"
            raise InputError(f"configuration key 'images.{name}': {error}") from error


class Split(Section):
    """Split of the events for training, validation and test."""

    fractions: tuple[(Share,) * len(SPLITS)] = key(
        (0.5, 0.15, 0.35),
        "Shares of train, validation and test",
        details="Decided per event by a hash of sample, event number and seed.",
    )
    folds: Annotated[Whole, Field(ge=2, le=100)] | None = key(
        2,
        "Number of folds of a cross-validation; null: one split",
        details="Each fold is scored by networks that the other folds trained and validated, in "
        "the ratio of the first two `fractions`, so that every event is a test event.",
    )


class Evaluate(Section):
    """Comparison of the classifiers."""

    background_efficiencies: Annotated[tuple[Efficiency, ...], Unique()] = key(
        (0.1, 0.01, 0.001), "Working points of the comparison", min_length=1
    )


class Reach(Section):
    """Expected significance and limits."""

    background_uncertainty: Number = key(
        0.2, "Relative systematic uncertainty of the background", ge=0
    )
    correlated: Truth = key(True, "One uncertainty for all bins of a score; else each has its own")
    least_n_eff: Number = key(
        2,
        "Effective background events that a cut and a bin must have",
        details="Of the validation split; with folds, of all folds but the one that is cut.",
        gt=0,
    )


class _Variation(Entry):
    """One detector other than the nominal one."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    @model_validator(mode="after")
    def _refuse_nothing(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("{} should be non-empty; say what is different")
        return self


def _type_of(entry: VariationEntry) -> Any:
    """Type of the value of a variation."""
    if entry.choices:
        return Annotated[str, Field(strict=True), Choices(*entry.choices)]
    return Text if entry.is_path else Number if entry.is_number else Truth


Variation = create_model(
    "Variation",
    __base__=_Variation,
    __doc__=_Variation.__doc__,
    **{
        name: (
            _type_of(entry) | None,
            key(None, entry.doc, details=entry.details, **entry.bounds),
        )
        for name, entry in VARIATIONS.items()
    },
)


class Robustness(Section):
    """Efficiencies in other detectors, at thresholds of the nominal one."""

    files: Whole = key(
        1,
        "ROOT files of each sample that are built again",
        details="Once for each variation.",
        ge=1,
    )
    models: Annotated[tuple[Annotated[str, Field(strict=True)], ...], Unique()] = key(
        (), "Models whose scores are looked at; none for the first"
    )
    background_efficiency: Number = key(
        0.01, "Background efficiency of the thresholds, in the nominal detector", gt=0, le=1
    )
    variations: dict[Name, Variation] = key(
        {
            "scale_up": Variation(scale=1.03),
            "trimmed": Variation(groomed=True),
        },
        "Other detectors by name, each with one or some of these keys",
    )

    @field_validator("variations")
    @classmethod
    def _refuse_nominal(cls, variations: dict[str, Variation]) -> dict[str, Variation]:
        if "nominal" in variations:
            raise ValueError("'nominal' should not be valid: it is the detector as it is")
        return variations


class Plots(Section):
    """Pictures of single events in the report."""

    n_event_displays: Whole = key(3, "Event displays per class", ge=1, le=1000)
    n_attributed_events: Whole = key(
        200, "Events per class in the mean of the integrated gradients", ge=1, le=1_000_000
    )
    n_explored: Whole = key(
        600,
        "Events, or jets, in the gallery of explore.html; 0: no gallery",
        details="The same number of each class, drawn with `seed`, and those of the highest and "
        "lowest scores; fewer where their images would take more than 6 MB of the page.",
        ge=0,
        le=20_000,
    )
