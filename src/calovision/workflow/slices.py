"""Slices of a process in pT-hat: gaps and overlaps between the samples of a configuration. GeV."""

from collections.abc import Mapping

from calovision.workflow.samples import Sample


def gaps_in_slices(samples: Mapping[str, Sample]) -> list[str]:
    """Sentences on slices of pT-hat of one process that are missing between others, or overlap."""
    slices: dict[tuple[str, float], list[tuple[float, float, str]]] = {}
    for name, sample in samples.items():
        simulate = sample.simulate
        if simulate is not None and simulate.pt_hat_min is not None:
            end = float("inf") if simulate.pt_hat_max is None else simulate.pt_hat_max
            same = slices.setdefault((simulate.process, simulate.pile_up or 0), [])
            same.append((simulate.pt_hat_min, end, name))
    warnings = []
    for (process, _), found in slices.items():
        warnings += _gaps_of_process(process, sorted(found))
    return warnings


def _gaps_of_process(process: str, slices: list[tuple[float, float, str]]) -> list[str]:
    """Sentences on neighbouring slices (lowest, highest, sample), which ascend."""
    found = []
    _, end, before = slices[0]
    for start, stop, after in slices[1:]:
        if start > end:
            found.append(
                f"samples: no slice of {process} between pT-hat {end:g} GeV ({before}) and "
                f"{start:g} GeV ({after})"
            )
        elif start < end:
            found.append(
                f"samples: {before} and {after} overlap in pT-hat from {start:g} GeV on: "
                "events count twice"
            )
        if stop > end:
            end = stop
            before = after
    return found
