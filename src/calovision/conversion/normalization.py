"""Cross-section to which the events of an ntuple are normalized."""

import logging

import numpy as np

from calovision.conversion.sample import Sample
from calovision.core.errors import InputError
from calovision.ntuples import NtupleInfo

logger = logging.getLogger(__name__)

TOLERANCE = 0.05  # of a mean weight that is taken for a cross-section


def find_cross_section(info: NtupleInfo, sample: Sample) -> float:
    """The configured cross-section, else what the weights contain, else the file's, in pb.

    Parameters
    ----------
    info
        Description of the events of the ntuple.
    sample
        The sample, with the cross-section that the user gave; NaN comes out where none is known
        and none is required.

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
    if sample.weights.include_cross_section:
        if sample.cross_section_pb is not None:
            raise InputError(
                f"sample '{sample.name}': both a cross-section and weights that include it are "
                "given; "
                "give one of the two"
            )
        return info.sum_of_weights / max(info.n_generated, 1)
    cross_section_pb = sample.cross_section_pb
    if cross_section_pb is None:
        cross_section_pb = info.cross_section_pb
    if cross_section_pb is None and not (sample.cross_section_required and info.n_generated > 0):
        return np.nan
    if cross_section_pb is None:
        raise InputError(
            f"{info.path}: the file holds no positive cross-section: give "
            f"samples.{sample.name}.cross_section_pb (pb) in "
            "the configuration"
        )
    if not (np.isfinite(cross_section_pb) and cross_section_pb > 0):
        raise InputError(
            f"sample '{sample.name}': the cross-section {cross_section_pb} pb is not positive: "
            "correct "
            f"samples.{sample.name}.cross_section_pb"
        )
    _warn_of_cross_section_in_weights(info, cross_section_pb)
    return float(cross_section_pb)


def _warn_of_cross_section_in_weights(info: NtupleInfo, cross_section_pb: float) -> None:
    """Warn of weights that seem to contain the cross-section: their mean or their sum is about
    that.
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
