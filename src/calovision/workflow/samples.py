"""Samples of a configuration: what each must say, and how those of one process fit together."""

from collections.abc import Mapping
from typing import Any

from calovision.core.errors import InputError

Samples = Mapping[str, Mapping[str, Any]]


def check_samples(samples: Samples) -> None:
    """Raise InputError unless each sample has one source, both classes train, and masses are
    given.
    """
    for name, sample in samples.items():
        _check_source(name, sample)
    _check_reach(samples)
    labels = {
        sample["label"]
        for sample in samples.values()
        if sample.get("role", "training") == "training"
    }
    if labels != {0, 1}:
        found = labels.pop() if labels else 1
        raise InputError(
            f"configuration key 'samples': all have the label {found}; give at least one with "
            "label 1 (signal) and one "
            "with 0"
        )


def _check_source(name: str, sample: Mapping[str, Any]) -> None:
    """Raise InputError unless a sample is either simulated or read from files."""
    if ("files" in sample) == ("simulate" in sample):
        raise InputError(f"configuration key 'samples.{name}': give either 'files' or 'simulate'")
    for key in ("schema", "tree", "weights", "split_group"):
        if key in sample and "simulate" in sample:
            raise InputError(
                f"configuration key 'samples.{name}.{key}': it belongs to 'files', not to "
                "'simulate'"
            )


def _check_reach(samples: Samples) -> None:
    """Raise InputError unless signals of the reach, and the trained one beside them, have
    masses.
    """
    others = {name: sample for name, sample in samples.items() if sample.get("role") == "reach"}
    for name, sample in others.items():
        if sample["label"] != 1:
            raise InputError(
                f"configuration key 'samples.{name}.role': only signals (label 1) are of the reach"
            )
    if others:
        signals = {name: sample for name, sample in samples.items() if sample["label"] == 1}
        for name, sample in signals.items():
            if "mass" not in sample:
                raise InputError(
                    f"configuration key 'samples.{name}.mass': the reach against the mass needs it"
                )
        _check_masses(signals, others)


def _check_masses(signals: Samples, others: Samples) -> None:
    """Raise InputError unless one signal trains, and each has a mass of its own."""
    trained = [name for name in signals if name not in others]
    if len(trained) > 1:
        raise InputError(
            "configuration key 'samples': with signals of role reach one signal trains, here "
            f"{', '.join(trained)}"
        )
    of_mass: dict[float, str] = {}
    for name, signal in signals.items():
        first = of_mass.setdefault(signal["mass"], name)
        if first != name:
            raise InputError(f"configuration key 'samples.{name}.mass': {first} has the same mass")


def gaps_in_slices(samples: Samples) -> list[str]:
    """Sentences on slices of pT-hat of one process that are missing between others, or overlap."""
    slices: dict[tuple[str, float], list[tuple[float, float, str]]] = {}
    for name, sample in samples.items():
        options = sample.get("simulate", {})
        if "pt_hat_min" in options:
            edges = (options["pt_hat_min"], options.get("pt_hat_max", float("inf")), name)
            slices.setdefault((options["process"], options.get("pile_up", 0)), []).append(edges)
    warnings = []
    for (process, _), found in slices.items():
        found.sort()
        _, end, before = found[0]
        for start, stop, after in found[1:]:
            if start > end:
                warnings.append(
                    f"samples: no slice of {process} between pT-hat {end:g} GeV ({before}) and "
                    f"{start:g} GeV ({after})"
                )
            elif start < end:
                warnings.append(
                    f"samples: {before} and {after} overlap in pT-hat from {start:g} GeV on: "
                    "events count twice"
                )
            if stop > end:
                end, before = stop, after
    return warnings
