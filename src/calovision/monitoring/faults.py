"""Faults of a detector by kind, as they are injected into maps of good runs and reported."""

from dataclasses import dataclass

from calovision.core.registry import Registry


@dataclass(frozen=True)
class FaultKind:
    """A kind of fault.

    Attributes
    ----------
    name, title
        In tables, and for people.
    doc
        What it does to the maps, in a few words.
    strengths
        Strengths that are studied, as factors or shares; one if the fault has no strength.
    """

    name: str
    title: str
    doc: str
    strengths: tuple[float, ...] = (1.0,)


FAULTS: Registry[FaultKind] = Registry(
    "fault",
    FaultKind,
    [
        FaultKind("dead_tower", "Dead tower", "a cell without hits"),
        FaultKind(
            "hot_tower", "Hot tower", "a cell with so many times its hits", (1.5, 2.0, 5.0, 20.0)
        ),
        FaultKind("dead_board", "Dead front-end board", "a region of cells without hits"),
        FaultKind(
            "miscalibrated_ring",
            "Miscalibrated ring",
            "a ring in eta whose energies are larger by this share",
            (0.05, 0.1, 0.2),
        ),
        FaultKind("noise_burst", "Noise burst", "hits in a region during some of the events"),
        FaultKind("rotated_phi", "Rotated mapping", "cells that stand some columns away in phi"),
        FaultKind("swapped_channels", "Swapped channels", "two channels in each other's place"),
        FaultKind(
            "fading_module", "Fading module", "a region that loses its hits slowly over the runs"
        ),
    ],
)
"""Kinds of faults by name."""
