"""What decides the content of an image file, beside the ntuple."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from calovision.conversion.variations import Variation
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.images.jet_images import JetImageRecipe
from calovision.jets import EventContent, FatJetDefinition


@dataclass(frozen=True)
class ImageRecipe:
    """Grid, channels, jets, selection and split.

    Attributes
    ----------
    grid, channels
        Of event images.
    fat_jets
        Which fat jets count.
    cluster_jets
        Cluster towers where the file has no fat jets of its own. Without both, files have no event
        variables.
    preselection
        Cut names to expressions (``selection.evaluate_cut``).
    split_seed, split_fractions
        Train, validation and test: seed of the hash and shares.
    split_group
        Name from which the split is drawn, in place of the sample's, for samples that share files;
        None: the sample's.
    content
        Small-R jets, shapes, counts, hardest towers and tracks as further columns; None leaves them
        out.
    variation
        Towers as another detector would have measured them; jets are then clustered from these.
        None: as they are.
    jets
        Recipe of jet images: the rows of the file are then the ``jets_per_event`` leading fat jets
        instead of events, and ``grid`` and ``channels`` those of the recipe.
    """

    grid: EtaPhiGrid = field(default_factory=EtaPhiGrid)
    channels: tuple[str, ...] = ("em_et", "had_et", "tracks")
    fat_jets: FatJetDefinition = field(default_factory=FatJetDefinition)
    cluster_jets: bool = True
    preselection: Mapping[str, str] = field(default_factory=dict)
    split_seed: int = 1
    split_fractions: tuple[float, float, float] = (0.6, 0.2, 0.2)
    split_group: str | None = None
    content: EventContent | None = None
    variation: Variation | None = None
    jets: JetImageRecipe | None = None
    jets_per_event: int = 1

    @property
    def image_grid(self) -> EtaPhiGrid | JetGrid:
        """Grid of the images of the file."""
        return self.grid if self.jets is None else self.jets.grid

    @property
    def image_channels(self) -> tuple[str, ...]:
        """Channels of the images of the file."""
        return tuple(self.channels if self.jets is None else self.jets.channels)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """``(n_channels, n_eta, n_phi)`` of the images of the file."""
        return len(self.image_channels), self.image_grid.n_eta, self.image_grid.n_phi


@dataclass(frozen=True)
class WeightOptions:
    """How the weights of a file are to be understood.

    Attributes
    ----------
    index
        Which of several generator weights counts; 0 is the nominal one.
    include_cross_section
        The generator weights contain the cross-section: their mean over the generated events is the
        cross-section in pb, and no other is applied.
    n_generated, sum_of_weights
        Generated events before any filter, and the sum of their weights: a number, the path of a
        counter histogram in the file, or None for what the file says.
    """

    index: int = 0
    include_cross_section: bool = False
    n_generated: int | str | None = None
    sum_of_weights: float | str | None = None

    def of_file(self, number: int, n_files: int | None) -> "WeightOptions":
        """Options of one of n files: numbers are those of all files, and every file takes an equal
        share along.
        """
        shares: dict[str, float] = {}
        if isinstance(self.n_generated, int):
            shares["n_generated"] = self.n_generated // n_files + (
                number < self.n_generated % n_files
            )
        if isinstance(self.sum_of_weights, int | float):
            shares["sum_of_weights"] = self.sum_of_weights / n_files
        return replace(self, **shares)


def share_of_range(total: float, first: int, end: int | None, n_entries: int) -> float:
    """What the entries from ``first`` to before ``end`` (None: the last) have of a number for all
    entries of a file.

    The shares of ranges that make up a file add up to the number exactly: they are multiples of its
    last digit, or of 1 if it is an integer, as they are then. If there are no entries, the range
    that begins at 0 has it all.
    """
    if n_entries == 0 or (first, end) == (0, None):
        return total if first == 0 else 0 * total
    step = 1 if isinstance(total, int) else math.ulp(total)
    n_steps = total if isinstance(total, int) else int(total / step)
    edges = (min(first, n_entries), n_entries if end is None else min(end, n_entries))
    before, behind = (n_steps * edge // n_entries for edge in edges)
    return step * (behind - before)


def configuration_hash(*choices: object) -> str:
    """Hash of everything that decides the content of a file beside the ntuple, so that two files
    can be compared.
    """
    text = json.dumps(choices, default=lambda value: vars(value))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
