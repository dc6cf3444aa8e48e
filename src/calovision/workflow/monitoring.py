"""Section on the monitoring of runs: which runs, what is good, what raises an alarm.

A run has the task monitoring where this section is there (`Configuration.task`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.core.run_lists import RunList
from calovision.core.user_files import expand_path
from calovision.monitoring.faults import FAULTS
from calovision.monitoring.methods import METHODS
from calovision.workflow.keys import Choices, Number, Section, Text, Truth, Unique, Whole, key
from calovision.workflow.runs import Runs
from calovision.workflow.samples import Sample

MethodName = Annotated[str, Field(strict=True), Choices(*METHODS)]
FaultName = Annotated[str, Field(strict=True), Choices(*FAULTS)]
Events = Annotated[Whole, Field(ge=1)]

UNREAD = (
    *("classes", "variables", "selection", "evaluate", "compare", "tagging", "reach"),
    *("baselines", "baseline_variables"),
)
"""Sections that monitoring does not read, and that might be meant to act on it."""


class Study(Section):
    """Study of the methods: faults injected into good runs, whose detection is measured."""

    faults: Annotated[tuple[FaultName, ...], Unique()] = key(
        tuple(FAULTS.own), "Kinds of faults that are injected; none: no study"
    )
    n_events: Annotated[tuple[Events, ...], Unique()] = key(
        (100, 500, 5000), "Events a run that are studied", min_length=1
    )
    runs: Whole = key(
        40, "Runs with a fault of each kind and strength, and without", ge=10, le=100_000
    )


class Monitoring(Section):
    """Monitoring of a detector run by run: which runs, what is good, what raises an alarm."""

    run: Text | None = key(
        None,
        "Run number: a branch, an expression, `file`; null: that of the schema",
        details="`file`: the number in the name of the file, each file a run; `file:PATTERN`: the "
        "group of a regular expression, where files may be parts of a run.",
    )
    per_lumi_block: Truth = key(False, "Judge each lumi block like a run")
    lumi_block: Text | None = key(
        None, "Lumi block: a branch or an expression; null: that of the schema"
    )
    selection: Text | None = key(
        None, "Expression on branches that events must fulfil, as `HLT_ZeroBias == 1`; null: all"
    )
    thresholds: dict[str, Number] = key(
        {},
        "Least value of a cell that counts as a hit, by channel in the unit of it",
        details="Of channels without, everything above 0 does.",
    )
    good_runs: Runs = key(
        ..., "Runs without faults: numbers, ranges, files of them (.txt)", example=[1, "5-20"]
    )
    held_out: Number = key(
        0.33,
        "Share of the good runs that set the thresholds; the others make the reference",
        details="Networks are trained on those of the reference. Every second, third and so on is "
        "held out, so that both are of all times.",
        gt=0,
        lt=1,
    )
    methods: Annotated[tuple[MethodName, ...], Unique()] = key(
        tuple(METHODS.own), "Methods that are compared", min_length=1
    )
    alarm: Annotated[tuple[MethodName, ...], Unique()] = key(
        ("poisson", "energy"), "Those of them whose flags raise an alarm", min_length=1
    )
    false_alarms: Number = key(
        0.01,
        "Share of good runs in which a method may flag a tower falsely",
        details="That all towers of all channels are looked at is included.",
        gt=0,
        lt=1,
    )
    consecutive_runs: Whole = key(
        1,
        "Runs that follow each other in which a tower must be flagged before it is an alarm",
        ge=1,
    )
    min_events: Whole = key(
        50, "Least number of events of a run that is judged; others are listed", ge=1
    )
    pages: Whole = key(100, "Largest number of pages of runs with alarms, the newest", ge=0)
    known: Text | None = key(
        None,
        "File of faults that are known, which raise no alarm",
        details="JSON, as `flags.json` of an earlier run.",
    )
    study: Study = key(Study)

    def with_paths(self) -> "Monitoring":
        """The section with home folders and variables in its paths replaced.

        Raises
        ------
        InputError
            As `calovision.core.user_files.expand_path`, with the key.
        """
        where = "configuration key 'monitoring"
        runs = (
            expand_path(one, f"{where}.good_runs'") if isinstance(one, str) else one
            for one in self.good_runs
        )
        known = None if self.known is None else expand_path(self.known, f"{where}.known'")
        return self.model_copy(update={"good_runs": tuple(runs), "known": known})

    def check(self, configuration: Any) -> None:
        """Raise InputError for what does not fit together, and for keys that nothing would read.

        Parameters
        ----------
        configuration
            The `Configuration` that this is a section of.
        """
        if configuration.images.events_per_job is not None:
            raise InputError(
                "configuration key 'images.events_per_job': maps are made of whole files, a job "
                "each; leave it out"
            )
        if configuration.images.is_of_jets:
            raise InputError(
                "configuration key 'images.kind': monitoring looks at the whole detector; give "
                "event, or leave it out"
            )
        for name in self.alarm:
            if name not in self.methods:
                raise InputError(
                    f"configuration key 'monitoring.alarm': '{name}' is not among "
                    f"monitoring.methods ({', '.join(self.methods)}); add it there"
                )
        channels = configuration.images.channels
        for name in self.thresholds:
            if name not in channels:
                raise InputError(
                    f"configuration key 'monitoring.thresholds': '{name}' is not one of the "
                    f"channels {', '.join(channels)}{nearest(name, channels)}"
                )
        self._check_unread(configuration)
        _check_samples(configuration.samples, needs_runs=self.run is None)

    def _check_unread(self, configuration: Any) -> None:
        fields = type(configuration).model_fields
        for name in UNREAD:
            nominal = fields[name].get_default(call_default_factory=True)
            if getattr(configuration, name) != nominal:
                raise InputError(
                    f"configuration key '{name}': monitoring looks at all events and at towers, so "
                    "that nothing reads it; leave it out"
                )

    def check_files(self) -> None:
        """Look for the files that are named, and read the lists of runs.

        Raises
        ------
        InputError
            If one is not there, or is no list of runs.
        """
        if self.known is not None and not Path(self.known).is_file():
            raise InputError(f"configuration key 'monitoring.known': there is no file {self.known}")
        self.read_good_runs()

    def read_good_runs(self) -> RunList:
        """The good runs, those of files, too."""
        return RunList.read(self.good_runs, "configuration key 'monitoring.good_runs'")


def _check_samples(samples: Mapping[str, Sample], *, needs_runs: bool) -> None:
    """Raise InputError for keys of samples that monitoring does not read, and for simulated events
    without runs.
    """
    for name, sample in samples.items():
        where = f"configuration key 'samples.{name}"
        if sample.is_imported:
            raise InputError(f"{where}.images': monitoring makes maps of ROOT files; give 'files'")
        for one in ("label", "role", "mass", "cross_section_pb", "weights", "split_group"):
            if getattr(sample, one) is not None:
                raise InputError(
                    f"{where}.{one}': monitoring counts every event once, so that nothing reads "
                    "it; leave it out"
                )
        if sample.is_simulated and sample.simulate.runs is None and needs_runs:
            raise InputError(
                f"{where}.simulate': its events belong to no runs; give simulate.runs, or "
                "monitoring.run: file"
            )
    simulated = [name for name, one in samples.items() if one.simulate and one.simulate.runs]
    if len(simulated) > 1 and needs_runs:
        raise InputError(
            f"configuration key 'samples': the runs of {simulated[0]} and {simulated[1]} have the "
            "same numbers, from 1 on; simulate one sample"
        )
