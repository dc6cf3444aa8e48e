"""The cross-section to which the events of a ntuple are normalized."""

import logging

import numpy as np

from calovision.conversion.recipe import WeightOptions
from calovision.core.errors import InputError
from calovision.ntuples import NtupleInfo

logger = logging.getLogger(__name__)

TOLERANCE = 0.05  # of a mean weight that is taken for a cross-section


def find_cross_section(
    info: NtupleInfo,
    sample: str,
    configured: float | None,
    weights: WeightOptions,
    *,
    required: bool,
) -> float:
    """The configured cross-section, else what the weights contain, else the file's, in pb.

    Parameters
    ----------
    info
        What the ntuple says about its events.
    sample
        Name of the sample, for messages.
    configured
        The cross-section given by the user, pb; None if there is none.
    weights
        Whether the generator weights contain the cross-section.
    required
        False gives NaN where none is known.

    Raises
    ------
    InputError
        If no cross-section is known, two are given, it is not positive, or neither is the sum of
        the weights.
    """
    if not info.sum_of_weights > 0 and info.n_entries > 0:
        raise InputError(
            f"{info.path}: the generator weights sum up to {info.sum_of_weights}, so that events "
            "cannot be normalized: "
            "the sum must be positive"
        )
    if weights.include_cross_section:
        if configured is not None:
            raise InputError(
                f"sample '{sample}': both a cross-section and weights that include it are given; "
                "give one of the two"
            )
        return info.sum_of_weights / max(info.n_generated, 1)
    cross_section_pb = info.cross_section_pb if configured is None else configured
    if cross_section_pb is None and not (required and info.n_generated > 0):
        return np.nan
    if cross_section_pb is None:
        raise InputError(
            f"{info.path}: the file holds no positive cross-section: give "
            f"samples.{sample}.cross_section_pb (pb) in "
            "the configuration"
        )
    if not (np.isfinite(cross_section_pb) and cross_section_pb > 0):
        raise InputError(
            f"sample '{sample}': the cross-section {cross_section_pb} pb is not positive: correct "
            f"samples.{sample}.cross_section_pb"
        )
    _warn_of_cross_section_in_weights(info, cross_section_pb)
    return float(cross_section_pb)


def _warn_of_cross_section_in_weights(info: NtupleInfo, cross_section_pb: float) -> None:
    """Say so where the weights look as if they contained the cross-section: their mean or their sum
    is about that.
    """
    mean = info.sum_of_weights / max(info.n_generated, 1)
    if np.isclose(mean, 1, rtol=TOLERANCE):
        return
    for what, value in (("mean", mean), ("sum", info.sum_of_weights)):
        if np.isclose(value, cross_section_pb, rtol=TOLERANCE):
            logger.warning(
                "%s: the %s of the generator weights, %g, is about the cross-section, %g pb: they "
                "seem to contain it; "
                "events are normalized to the cross-section once, which is right only if the sum "
                "of weights covers "
                "all generated events (otherwise say that the weights include the cross-section)",
                info.path,
                what,
                value,
                cross_section_pb,
            )
