"""Sums over the image files of one sample: cut flow, cross-section, and the expected events of each
event.
"""

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np

from calovision.core.errors import InputError
from calovision.storage.metadata import ImageMetadata


def expected_per_weight(sample: str, infos: Sequence[ImageMetadata], luminosity_fb: float) -> float:
    """Expected events that a generator weight of 1 stands for, over all files of a sample.

    cross-section * luminosity / sum of the generator weights of all generated events; 1 pb = 1000
    fb.

    Raises
    ------
    InputError
        If the generator weights do not sum up to a positive number, or the cross-section is not
        known.
    """
    sum_of_weights = math.fsum(info.sum_of_weights for info in infos)
    if not sum_of_weights > 0:
        raise InputError(
            f"sample '{sample}': its generator weights sum up to {sum_of_weights}, so that its "
            "events cannot be normalized: the sum must be positive"
        )
    cross_section_pb = mean_cross_section(infos)
    if not np.isfinite(cross_section_pb):
        raise InputError(
            f"sample '{sample}': its image files hold no cross-section, so that its events cannot "
            "be normalized: build them again with one"
        )
    return 1000 * luminosity_fb * cross_section_pb / sum_of_weights


def mean_cross_section(infos: Iterable[ImageMetadata]) -> float:
    """Cross-section of the files of one sample, pb: their mean, weighted by the generated events.

    The configured cross-section is the same in all files; the generator's own is an estimate in
    each.
    """
    counted = [(info.cross_section_pb, info.n_generated) for info in infos]
    counted = [pair for pair in counted if pair[1] > 0] or [(value, 1) for value, _ in counted]
    if not all(math.isfinite(value) for value, _ in counted):
        return math.nan
    # exact, so that it does not matter into how many files the events of a ntuple were cut
    return float(sum(Fraction(value) * n for value, n in counted) / sum(n for _, n in counted))


def add_cut_flows(
    infos: Iterable[ImageMetadata], name: str = "cut_flow"
) -> list[tuple[str, int, float]]:
    """Cut flow, or that of the jets (``name``), of several files of one preselection; files whose
    sources were all skipped may lack it.
    """
    flows = [flow for info in infos if (flow := getattr(info, name))]
    if len({tuple(cut for cut, _, _ in flow) for flow in flows}) > 1:
        raise InputError(
            "the cut flows of the files have different cuts: build the images again with one "
            "preselection"
        )
    return [
        (rows[0][0], sum(row[1] for row in rows), math.fsum(row[2] for row in rows))
        for rows in zip(*flows, strict=True)
    ]


def add_warnings(infos: Iterable[ImageMetadata]) -> list[tuple[str, str, int]]:
    """Warnings of several files: the first sentence about each thing, and the number of ROOT files
    with one.
    """
    found: dict[str, tuple[str, int]] = {}
    for info in infos:
        for what, sentence, n_files in info.warnings:
            first, before = found.get(what, (sentence, 0))
            found[what] = (first, before + n_files)
    return [(what, sentence, n_files) for what, (sentence, n_files) in found.items()]
