"""Checks of the options of networks, without torch: a configuration is looked at before any job
runs.
"""

from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any

from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.core.text import shown
from calovision.models.networks import NETWORKS

ImageShape = tuple[int, int, int]
N_CONVOLUTIONS = 4  # of jet_cnn
MOST = 100_000
"""Largest number of channels, blocks and the like."""


def check_options(network: str, image_shape: ImageShape, options: Mapping[str, Any]) -> None:
    """Raise InputError unless a network of `NETWORKS` can be built with its options.

    Parameters
    ----------
    network
        Its name; one of another package checks its options itself.
    image_shape
        ``(n_channels, n_eta, n_phi)``.
    options
        Those that are given; the others have their defaults. Names that the network does not have
        are of no concern here.
    """
    if network not in NETWORKS.own:
        return
    known = NETWORKS[network].options
    chosen = {name: options.get(name, default) for name, default in known.items()}
    for name, default in known.items():
        if isinstance(default, float):
            require_share(network, name, chosen[name])
        elif isinstance(default, int | tuple):
            require_counts(network, name, chosen[name], is_list=isinstance(default, tuple))
    if not NETWORKS[network].sets_smallest_image:
        require_cells(network, image_shape, NETWORKS[network].smallest_image)
    if network in _TOGETHER:
        _TOGETHER[network](network, image_shape, chosen)


def require_cells(network: str, image_shape: ImageShape, smallest: int) -> None:
    """Raise InputError unless the image has so many cells in eta and in phi."""
    _, n_eta, n_phi = image_shape
    if min(n_eta, n_phi) < smallest:
        raise InputError(
            f"network '{network}' needs images of at least {smallest}x{smallest} cells, not "
            f"{n_eta}x{n_phi}: change images.grid"
        )


def require_counts(network: str, name: str, value: object, *, is_list: bool = False) -> None:
    """Raise InputError unless an option is a whole number of at least 1, or a list of such."""
    numbers = value if isinstance(value, list | tuple) else [value]
    if isinstance(value, list | tuple) != is_list:
        wanted = "a list of whole numbers" if is_list else "one whole number"
        raise InputError(
            f"network '{network}': option {name} is {shown(value)}, but must be {wanted}"
        )
    if not numbers or not all(
        isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= MOST for n in numbers
    ):
        raise InputError(
            f"network '{network}': option {name} is {shown(value)}, but must be whole and at least "
            f"1, and at most {MOST}"
        )


def require_depths(network: str, depths: object, layers: Sequence[int]) -> None:
    """Raise InputError unless the positions of layers are different numbers, one for each layer;
    None stands for none.
    """
    if depths is None:
        return
    numbers = depths if isinstance(depths, list | tuple) else ()
    is_list = all(isinstance(one, Real) and not isinstance(one, bool) for one in numbers)
    if not is_list or len(numbers) != len(layers) or len(set(numbers)) < len(numbers):
        raise InputError(
            f"network '{network}': option depths is {shown(depths)}, but must be a list of "
            f"different numbers, one for each of the layers {', '.join(map(str, layers))}"
        )


def require_share(network: str, name: str, value: object) -> None:
    """Raise InputError unless an option, as a probability, is a number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= value <= 1:
        raise InputError(
            f"network '{network}': option {name} is {shown(value)}, but must be a number from 0 "
            "to 1"
        )


def require_part(network: str, part: str, name: object, options: Mapping[str, Any]) -> None:
    """Raise InputError unless an option names a network of its kind, ``image`` or ``points``, that
    has the options given for it.
    """
    known = [
        other
        for other, entry in NETWORKS.items()
        if entry.is_of_images == (part == "image") and entry.is_of_points == (part == "points")
    ]
    if name not in known:
        raise InputError(
            f"network '{network}': option {part} is {shown(name)}{nearest(str(name), known)}; "
            f"choose from {', '.join(known)}"
        )
    entry = NETWORKS[str(name)]
    given = ("variables", "channels") if entry.needs_layers else ("variables",)
    for option in options:
        if option not in (*entry.options, *given):
            raise InputError(
                f"network '{network}': network '{name}' has no option '{option}'"
                f"{nearest(option, entry.options)}; it has {', '.join(entry.options)}"
            )


def _check_stages(network: str, image_shape: ImageShape, options: Mapping[str, Any]) -> None:
    widths, n_blocks = options["widths"], options["n_blocks"]
    if len(widths) != len(n_blocks):
        raise InputError(
            f"network '{network}': {len(widths)} widths and {len(n_blocks)} n_blocks: give both "
            "as many numbers, one for each stage"
        )
    require_cells(network, image_shape, 2 * 2 ** len(widths))


def _check_blocks(network: str, image_shape: ImageShape, options: Mapping[str, Any]) -> None:
    require_cells(network, image_shape, 2 ** options["n_blocks"])


def _check_convolutions(network: str, image_shape: ImageShape, options: Mapping[str, Any]) -> None:
    n_widths = len(options["widths"])
    if n_widths != N_CONVOLUTIONS:
        raise InputError(
            f"network '{network}': {n_widths} widths: give {N_CONVOLUTIONS}, one for each "
            "convolution"
        )


def _check_heads(network: str, image_shape: ImageShape, options: Mapping[str, Any]) -> None:
    if options["width"] % options["heads"]:
        raise InputError(
            f"network '{network}': option width is {options['width']}, but must be a multiple "
            f"of the {options['heads']} heads"
        )


def _check_parts(network: str, image_shape: ImageShape, options: Mapping[str, Any]) -> None:
    numbers = {name: options[name] for name in ("towers", "tracks", "constituents")}
    for part, of_part, given in (
        ("image", "image_options", {}),
        ("points", "point_options", numbers),
    ):
        own = options[of_part] or {}
        if not isinstance(own, Mapping):
            raise InputError(
                f"network '{network}': option {of_part} is {shown(own)}, but must be options by "
                "name"
            )
        require_part(network, part, options[part], {**own, **given})
        check_options(options[part], image_shape, {**own, **given})


_TOGETHER: dict[str, Callable[[str, ImageShape, Mapping[str, Any]], None]] = {
    "resnet": _check_stages,
    "resnet3d": _check_stages,
    "nersc": _check_blocks,
    "jet_cnn": _check_convolutions,
    "particle_transformer": _check_heads,
    "image_and_points": _check_parts,
}
"""Checks of options that must fit each other, or the image."""
