"""Ntuples of the examples, from Pythia 8 events or from a particle gun."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calovision.simulation import DetectorFault, RunPeriod, derive_seed, write_ntuple
from calovision.simulation.showers import SHOWER, write_showers
from calovision.stages.arguments import Count, not_counted


@dataclass(frozen=True)
class SimulationJob:
    """Events of one ntuple of a sample.

    Attributes
    ----------
    process
        One of `calovision.simulation.PROCESSES`, or `calovision.simulation.showers.SHOWER`.
    n_events, first_event_number
        Of the ntuple in the sample.
    options
        Of the process; pile-up and the size of batches.
    runs
        Fields of the `RunPeriod` of the sample, its faults as `DetectorFault.of` takes them; None
        without runs.
    """

    process: str
    n_events: int
    first_event_number: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    runs: Mapping[str, Any] | None = None

    @property
    def period(self) -> RunPeriod | None:
        """Runs of the sample, if it has any."""
        if self.runs is None:
            return None
        faults = tuple(DetectorFault.of(one) for one in self.runs["faults"])
        return RunPeriod(self.runs["n_runs"], self.runs["n_events"], faults)


def simulate_ntuples(
    output: Path, job: SimulationJob, *, sample: str, seed: int, count: Count = not_counted
) -> None:
    """Generate the events of a job; the random numbers come from the seed and the sample's name."""
    count(job.n_events)
    events = {"n_events": job.n_events, "first_event_number": job.first_event_number}
    events["seed"] = derive_seed(seed, sample)
    if job.process == SHOWER:
        write_showers(output, **events, **job.options)
    else:
        of_runs = {} if job.period is None else {"runs": job.period}
        write_ntuple(output, job.process, **events, **of_runs, **job.options)
