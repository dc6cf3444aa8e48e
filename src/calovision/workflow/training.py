"""Training of a model (`train` and `models.<name>`): its keys, and what must fit its network.

What a job needs is looked up before any job runs, since the job may start after hours.
"""

import os
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, create_model

from calovision.core.classes import class_names
from calovision.core.depth import DepthAxis
from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.jets.substructure.variables import CONSTITUENTS
from calovision.jets.variables import Variable
from calovision.models.networks import NETWORKS
from calovision.models.option_checks import check_options, require_depths
from calovision.training.options import TrainingOptions, check_classes
from calovision.workflow.channels import ByLayer
from calovision.workflow.keys import Number, Section, Unique, Whole, Word, key, keys_of
from calovision.workflow.modules import check_class
from calovision.workflow.variables import check_inputs

NETWORK_PATTERN = f"^({'|'.join(NETWORKS)}|[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*)$"
TYPES = {
    "network": Annotated[Word, Field(pattern=NETWORK_PATTERN)],
    "options": dict[str, Any],
    "variables": Annotated[tuple[Word, ...], Unique()],
    "channels": Annotated[tuple[Word, ...], ByLayer(), Unique()],
    "class_weights": dict[Word, Annotated[Number, Field(gt=0)]],
    "flat_in": Annotated[tuple[Word, ...], Unique()],
}
"""Types of the keys whose values are names."""


class _Training(Section):
    """Training of a model; one of `models` has those keys of `train` that it does not change."""

    def changed_by(self, changes: Self) -> Self:
        """The same training with the keys that are given in ``changes``, which stay the given."""
        given = {name: getattr(changes, name) for name in changes.model_fields_set}
        return type(self).model_construct(
            _fields_set=changes.model_fields_set, **{**dict(self), **given}
        )

    def check(self, where: str, channels: Sequence[str], grid: Sequence[int]) -> None:
        """Raise InputError unless the network is there and takes its options and the images.

        Parameters
        ----------
        where
            Key of the model: ``"models.cnn"``.
        channels, grid
            Channels of the images, and their cells in eta and phi.
        """
        if ":" in self.network:
            check_class(f"{where}.network", self.network, import_folders())
        else:
            self._check_images(where, grid)
            self._check_options(where, grid)
            self._check_layers(where, channels)
        for name in self.channels:
            if name not in channels:
                raise InputError(
                    f"configuration key '{where}.channels': the images have no channel "
                    f"'{name}'{nearest(name, channels)}; images.channels are "
                    f"{', '.join(channels)}"
                )
        n_processes = self.n_devices * self.n_nodes
        if self.batch_size % n_processes:
            raise InputError(
                f"configuration key '{where}.batch_size': {self.batch_size} cannot be divided "
                f"among the {n_processes} processes of n_devices and n_nodes; choose a multiple of "
                f"{n_processes}"
            )

    def check_recipe(self, where: str, alternatives: Collection[str]) -> None:
        """Raise InputError unless the recipe is one of `images.jets.alternatives`."""
        if self.recipe is None or self.recipe in alternatives:
            return
        where = f"configuration key '{where}.recipe'"
        if not alternatives:
            raise InputError(
                f"{where}: there is no recipe '{self.recipe}', since images.jets.alternatives has "
                "none; give it there, or leave the key out"
            )
        raise InputError(
            f"{where}: images.jets.alternatives has no recipe '{self.recipe}'"
            f"{nearest(self.recipe, alternatives)}; choose from {', '.join(alternatives)}"
        )

    def _check_options(self, where: str, grid: Sequence[int]) -> None:
        """Raise InputError for an option that the network does not have, or a value that it refuses
        for images of a grid.
        """
        known = NETWORKS[self.network].options
        for name in self.options:
            if name not in known:
                raise InputError(
                    f"configuration key '{where}.options': network '{self.network}' has no option "
                    f"'{name}'{nearest(name, known)}; it has {', '.join(known)}"
                )
        if not self.options:
            return
        try:
            check_options(self.network, (1, *grid), self.options)
        except InputError as error:
            raise InputError(f"configuration key '{where}.options': {error}") from error

    def _check_images(self, where: str, grid: Sequence[int]) -> None:
        """Raise InputError for images too small for a network, or more rotations than columns."""
        n_eta, n_phi = grid
        entry = NETWORKS[self.network]
        smallest = entry.smallest_image
        if min(grid) < smallest and not set(entry.sets_smallest_image) & set(self.options):
            raise InputError(
                f"configuration key '{where}.network': '{self.network}' needs images of at least "
                f"{smallest}x{smallest} cells, not {n_eta}x{n_phi}; change images.grid, or take "
                "another network"
            )
        if self.test_rotations > n_phi:
            raise InputError(
                f"configuration key '{where}.test_rotations': {self.test_rotations} rotations of "
                f"images with {n_phi} columns in phi; give at most {n_phi}"
            )

    def _check_layers(self, where: str, channels: Sequence[str]) -> None:
        """Raise InputError for a network of layers where no channel that it sees is one of a
        layer.
        """
        seen = self.channels or channels
        if not NETWORKS[self.network].needs_layers:
            return
        if (axis := DepthAxis.of(seen)) is None:
            key = f"{where}.channels" if self.channels else "images.channels"
            raise InputError(
                f"configuration key '{where}.network': '{self.network}' needs channels by layer, "
                f"but {key} are {', '.join(seen)}; give such as energy_layer0-11"
            )
        try:
            require_depths(self.network, self.options.get("depths"), axis.layers)
        except InputError as error:
            raise InputError(f"configuration key '{where}.options': {error}") from error

    def check_variables(
        self, where: str, known: Mapping[str, Variable], kept: Mapping[str, int]
    ) -> None:
        """Raise InputError for variables without a column, or points that a network does not
        take.
        """
        check_inputs(f"{where}.variables", self.variables, known, kept)
        where = f"configuration key '{where}.variables'"
        if self.network in NETWORKS and NETWORKS[self.network].points:
            self._check_points(where, kept)

    def check_weights(
        self,
        where: str,
        classes: Sequence[str],
        known: Mapping[str, Variable],
        of_jets: Sequence[str],
    ) -> None:
        """Raise InputError for weights of the loss that name no class, or no variable of one number
        a row.

        Parameters
        ----------
        where
            Key of the model: ``"models.cnn"``.
        classes
            Those of the configuration; none for background and signal.
        known
            Variables of events.
        of_jets
            Names of the columns of jets; none where the rows are events.
        """
        where = f"configuration key '{where}"
        check_classes(where, class_names(classes), self.class_weights, self.flat_like, end="'")
        if self.flat_like is not None and not self.flat_in:
            raise InputError(f"{where}.flat_like': it needs flat_in, which names the variables")
        names = [*of_jets, *(name for name, one in known.items() if not one.shape)]
        for name in self.flat_in:
            if name not in names:
                raise InputError(
                    f"{where}.flat_in': there is no variable '{name}' of one number a row"
                    f"{nearest(name, names)}; choose from {', '.join(names)}"
                )

    def _check_points(self, where: str, kept: Mapping[str, int]) -> None:
        """Raise InputError unless the network of points is given as many as it takes."""
        entry = NETWORKS[self.network]
        taken = entry.n_points(self.options, of_jets=CONSTITUENTS.name in kept)
        given = {name: kept.get(name, 0) if name in self.variables else 0 for name in taken}
        if given != taken or not set(self.variables) <= set(taken):
            options = [entry.points[name] for name in taken]
            numbers = [f"{n} {option}" for n, option in zip(taken.values(), options, strict=True)]
            section = "images.jets" if CONSTITUENTS.name in taken else "event_content"
            raise InputError(
                f"{where}: network '{entry.name}' takes {' and '.join(numbers)} (its options "
                f"{' and '.join(options)}): give it the variables {' and '.join(taken)} alone, and "
                f"as many of them in {section}"
            )


Training = create_model(
    "Training",
    __base__=_Training,
    __doc__=_Training.__doc__,
    **keys_of(TrainingOptions, TYPES),
    seeds=(
        Annotated[Whole, Field(ge=1, le=1000)],
        key(
            1,
            "Networks per model, of the seeds seed, seed + 1, ...",
            details="The mean of their scores is the model's ensemble.",
        ),
    ),
    test_rotations=(
        Annotated[Whole, Field(ge=0, le=1000)],
        key(
            0,
            "Rotations (x 4 reflections) that a score is averaged over",
            details="0 takes the image as it is.",
        ),
    ),
    recipe=(
        Word | None,
        key(
            None,
            "Recipe of its images, one of `images.jets.alternatives`",
            details="null for that of `images.jets`.",
        ),
    ),
    threads=(
        Annotated[Whole, Field(ge=1)],
        key(
            8,
            "Processor cores of a training or scoring job",
            details="If the machine has so many. Several networks train faster in all with 1, as "
            "many at a time as there are cores, than one after the other.",
        ),
    ),
)
"""Keys of a training: those of `calovision.training.TrainingOptions`, and of the workflow."""


def import_folders() -> list[str]:
    """Folders in which jobs find modules: those of this process without its working folder."""
    own = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [path for path in sys.path if path and (path in own or Path(path) != Path.cwd())]
