"""Processes that Pythia 8 generates: their options, with defaults, and its settings for them.

Masses and pT-hat in GeV; an option that is None is not used.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from calovision.core.errors import InputError
from calovision.core.finite import is_number
from calovision.simulation import slha

CENTER_OF_MASS_ENERGY = 13000.0

Options = Mapping[str, float | None]


@dataclass(frozen=True)
class ProcessSettings:
    """Lines of settings, spectrum of the new particles, and jets at parton level that a filter asks
    for.
    """

    lines: list[str]
    slha: str | None = None
    filter_jets: int | None = None


@dataclass(frozen=True)
class Process:
    """A process: how its options become settings, and their defaults."""

    name: str
    settings: Callable[[Options], ProcessSettings]
    options: Options = field(default_factory=dict)

    def settings_of(self, options: Options) -> ProcessSettings:
        """Settings for some options; those that are missing take their defaults.

        Raises
        ------
        InputError
            If the process has no such option, or a value does not fit.
        """
        for name, value in options.items():
            if name not in self.options:
                raise InputError(
                    f"{name}: not an option of the process {self.name!r}, which has "
                    f"{', '.join(self.options)}"
                )
            require(value is None or is_number(value), name, value, "a number")
        return self.settings({**self.options, **options})


def _qcd_settings(options: Mapping[str, float | None]) -> ProcessSettings:
    low, power = options["pt_hat_min"], options["bias_power"]
    lines = ["HardQCD:all = on", *_pt_hat_lines(options)]
    require(power is None or power >= 0, "bias_power", power, "zero, positive or null")
    if power:
        lines += ["PhaseSpace:bias2Selection = on", f"PhaseSpace:bias2SelectionPow = {power}"]
        lines += [f"PhaseSpace:bias2SelectionRef = {low}"]
    jets = options["filter_jets"]
    require(
        jets is None or (jets == int(jets) and 1 <= jets <= 10),
        "filter_jets",
        jets,
        "1 to 10 or null",
    )
    return ProcessSettings(lines, filter_jets=None if jets is None else int(jets))


def _pt_hat_lines(options: Mapping[str, float | None]) -> list[str]:
    """Settings of the window in pT-hat."""
    low, high = options["pt_hat_min"], options["pt_hat_max"]
    require(
        low is not None and 0 < low < CENTER_OF_MASS_ENERGY / 2,
        "pt_hat_min",
        low,
        "positive, below 6500 GeV",
    )
    require(
        high is None or high > low, "pt_hat_max", high, f"above pt_hat_min = {low:g} GeV, or null"
    )
    lines = [f"PhaseSpace:pTHatMin = {low}"]
    return lines if high is None else [*lines, f"PhaseSpace:pTHatMax = {high}"]


_INVISIBLE_Z = ("WeakZ0:gmZmode = 2", "23:onMode = off", "23:onIfAny = 12 14 16")
_HADRONIC_W = ("24:onMode = off", "24:onIfAny = 1 2 3 4 5")


def _jet_process(name: str, *lines: str) -> "Process":
    """Process of fat jets of one kind, in a window of pT-hat."""
    return Process(
        name,
        lambda options: ProcessSettings([*lines, *_pt_hat_lines(options)]),
        {"pt_hat_min": 400.0, "pt_hat_max": None},
    )


def _rpv_settings(options: Mapping[str, float | None]) -> ProcessSettings:
    gluino, neutralino = options["mass_gluino"], options["mass_neutralino"]
    largest = slha.HEAVY_MASS / 2
    require(
        gluino is not None and 0 < gluino < largest,
        "mass_gluino",
        gluino,
        f"positive, below {largest:g} GeV",
    )
    highest = gluino - slha.MIN_SPLITTING
    fits = neutralino is not None and slha.MIN_NEUTRALINO <= neutralino <= highest
    expected = f"{slha.MIN_NEUTRALINO:g} to {highest:g} GeV, below mass_gluino = {gluino:g} GeV"
    require(fits, "mass_neutralino", neutralino, expected)
    lines = ["SUSY:gg2gluinogluino = on", "SUSY:qqbar2gluinogluino = on"]
    return ProcessSettings(lines, slha.rpv_spectrum(gluino, neutralino))


def _minimum_bias_settings(_: Mapping[str, float | None]) -> ProcessSettings:
    return ProcessSettings(["SoftQCD:inelastic = on"])


_ALL = (
    Process("rpv_gluinos", _rpv_settings, {"mass_gluino": 1400.0, "mass_neutralino": 850.0}),
    Process("minimum_bias", _minimum_bias_settings),
    Process(
        "qcd",
        _qcd_settings,
        {"pt_hat_min": 400.0, "pt_hat_max": None, "bias_power": None, "filter_jets": None},
    ),
    _jet_process("z_quark", "WeakBosonAndParton:qg2gmZq = on", *_INVISIBLE_Z),
    _jet_process("z_gluon", "WeakBosonAndParton:qqbar2gmZg = on", *_INVISIBLE_Z),
    _jet_process("wz", "WeakDoubleBoson:ffbar2ZW = on", *_INVISIBLE_Z, *_HADRONIC_W),
    _jet_process("top_pairs", "Top:gg2ttbar = on", "Top:qqbar2ttbar = on", *_HADRONIC_W),
)
PROCESSES = {process.name: process for process in _ALL}
"""Processes by name."""


def require(fits: bool, name: str, value: object, expected: str) -> None:
    """Raise InputError naming the argument, what it must be and what it is, unless it fits."""
    if not fits:
        raise InputError(f"{name}: must be {expected}, not {value!r}")


def check_integer(name: str, value: object, low: int, high: int | None = None) -> None:
    """Raise InputError naming the argument unless it is an integer from ``low`` to ``high``."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    expected = f"an integer of at least {low}" + ("" if high is None else f", at most {high}")
    require(whole and value >= low and (high is None or value <= high), name, value, expected)


def check_number(name: str, value: object, low: float) -> None:
    """Raise InputError naming the argument unless it is a finite number of at least ``low``."""
    require(is_number(value) and value >= low, name, value, f"a number of at least {low}")
