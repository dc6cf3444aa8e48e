"""Extras of the installation: the one that brings a package which is needed and not installed.

``pip install calovision`` brings what the image builder, its file and its command line import.
Networks, pictures and the workflow come with extras; pyproject.toml is the only list of them.
"""

from importlib.metadata import PackageNotFoundError, metadata

from calovision.core.errors import InputError

# Import names that are not those on PyPI.
_DISTRIBUTIONS = {"sklearn": "scikit-learn", "pytorch_lightning": "lightning", "yaml": "pyyaml"}


class MissingExtraError(InputError, ImportError):
    """A package is not installed; the sentence names the extra that brings it."""


def explain_missing(error: ModuleNotFoundError) -> ModuleNotFoundError | MissingExtraError:
    """Name the extra that brings a module.

    Parameters
    ----------
    error
        What importing a module raised.

    Returns
    -------
    The error to raise: `MissingExtraError`, or the given one if no extra brings the module.
    """
    module = (error.name or "").split(".")[0]
    extra = _extra_of(_DISTRIBUTIONS.get(module, module))
    if extra is None:
        return error
    return MissingExtraError(
        f"this needs the package {module}, which is not installed: pip install "
        f'"calovision[{extra}]"'
    )


def _extra_of(distribution: str) -> str | None:
    """Smallest extra that asks for a package; None if none does, or calovision itself is not
    installed.
    """
    from packaging.utils import canonicalize_name

    wanting = {
        extra: names
        for extra, names in _packages_of_extras().items()
        if canonicalize_name(distribution) in names
    }
    return min(wanting, key=lambda extra: len(wanting[extra]), default=None)


def _packages_of_extras() -> dict[str, set[str]]:
    """Packages of each extra, those of the extras that it includes among them."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    try:
        installed = metadata("calovision")
    except PackageNotFoundError:
        return {}
    optional = [Requirement(text) for text in installed.get_all("Requires-Dist", [])]
    optional = [one for one in optional if one.marker is not None]
    return {
        extra: {
            canonicalize_name(one.name) for one in optional if one.marker.evaluate({"extra": extra})
        }
        for extra in installed.get_all("Provides-Extra", [])
    }
