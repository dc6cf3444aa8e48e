"""Proton-proton collisions at 13 TeV from Pythia 8, as awkward arrays of final-state particles.

Units: GeV, pb. Events come in batches, so that the full event record (intermediate partons, beams)
of a few hundred events at most is in memory; only the final state is kept. Pythia 8.3:
arXiv:2203.11601, default tune (Monash 2013).
"""

import hashlib
import importlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import awkward as ak
import numpy as np

from calovision.core.errors import InputError
from calovision.simulation.parton_filter import make_jet_filter
from calovision.simulation.processes import (
    CENTER_OF_MASS_ENERGY,
    PROCESSES,
    ProcessSettings,
    check_integer,
    require,
)

MAX_SEED = 900_000_000  # largest seed that Pythia accepts
MAX_ATTEMPTS = 10.0  # per wanted event, before Pythia is given up
# Events that share a stream of random numbers: the same events come out however a sample is cut
# into jobs.
BATCH_SIZE = 250

# What lives longer than 10 mm / c reaches the detector undecayed: K0S, Lambda, charged Sigma and
# others.
COMMON_SETTINGS = (
    "Print:quiet = on",
    "SLHA:verbose = 0",
    f"Beams:eCM = {CENTER_OF_MASS_ENERGY}",
    "Random:setSeed = on",
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10",
)

PARTICLE_FIELDS = ("id", "px", "py", "pz", "e")
HARD_STATUS = 23  # outgoing in the hardest process, decay products of its resonances among them
PARTONS = (1, 2, 3, 4, 5, 21)


@dataclass(frozen=True)
class GeneratedBatch:
    """Some generated events.

    Attributes
    ----------
    particles
        Final-state particles, ``n_events * var * {id, px, py, pz, e}``, from vertices within a few
        mm of the origin (except decays of boosted heavy flavor), GeV.
    weights
        Generator weights, float64 ``(n_events,)``; all 1 unless the generation is biased.
    n_generated, sum_of_weights
        Generated events since the batch before, and the sum of their weights: with those that the
        filter took away.
    cross_section_pb
        Pythia's estimate from all events tried so far: that of the last batch is the one to use.
    n_tried, n_accepted
        Phase-space points tried and hard processes accepted so far.
    partons
        Quarks and gluons that leave the hard process, before their showers, with those of the
        decays of its W, Z and top, as ``particles``.
    """

    particles: ak.Array
    weights: np.ndarray
    n_generated: int
    sum_of_weights: float
    cross_section_pb: float
    n_tried: int
    n_accepted: int
    partons: ak.Array | None = None


def derive_seed(*parts: str | int) -> int:
    """Seed in 1..900000000 from what identifies something random: the configuration's seed, the
    sample's name.
    """
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return 1 + int.from_bytes(digest[:8], "big") % MAX_SEED


def generate(
    process: str,
    *,
    n_events: int,
    seed: int,
    first_event: int = 0,
    batch_size: int = BATCH_SIZE,
    **options: float | None,
) -> Iterator[GeneratedBatch]:
    """Generate exactly ``n_events`` events, of which a filter may keep some; those that Pythia
    fails on are replaced.

    The random numbers start afresh with every batch, from the seed and the number of the batch in
    the sample. One call for 1,000 events therefore gives the events of two calls for 500 each, the
    second with ``first_event=500``.

    Parameters
    ----------
    process
        A name in ``PROCESSES``.
    n_events
        Events of all batches together, at least 1.
    seed
        1 to 900000000, that of the sample; see `derive_seed`.
    first_event
        Events of the sample that lie before these, a multiple of ``batch_size``.
    batch_size
        Events a batch; an event's full record takes about 0.5 MB. Another size gives other events.
    options
        The process's own, see ``PROCESSES`` (missing ones take the default there).

        - ``minimum_bias``: inelastic collisions, no options.
        - ``rpv_gluinos``: ``mass_gluino``, ``mass_neutralino`` (GeV), see `slha.rpv_spectrum`.
        - ``qcd``: ``pt_hat_min``, ``pt_hat_max`` (GeV, None: open), ``bias_power``: the
          cross-section is sampled times ``(pT-hat / pt_hat_min) ** bias_power``, which the weights
          undo (None or 0: unbiased); ``filter_jets``: keep only events with so many jets at parton
          level, see `parton_filter`.
        - ``z_quark``, ``z_gluon``, ``wz``, ``top_pairs``: ``pt_hat_min``, ``pt_hat_max``.

    Raises
    ------
    InputError
        Unknown process or option, a value that does not fit, or Pythia not installed: raised by the
        call itself, not by the first batch. By the last one if the filter kept nothing.
    """
    if process not in PROCESSES:
        raise InputError(
            f"process: {process!r} is unknown; use one of {', '.join(sorted(PROCESSES))}"
        )
    check_integer("n_events", n_events, 1)
    check_integer("batch_size", batch_size, 1)
    check_integer("seed", seed, 1, MAX_SEED)
    check_integer("first_event", first_event, 0)
    require(
        first_event % batch_size == 0,
        "first_event",
        first_event,
        f"a multiple of batch_size = {batch_size}",
    )
    settings = PROCESSES[process].settings_of(options)
    generator = _initialize(derive_seed(seed, "pythia"), settings, process)
    return _batches(generator, seed, range(first_event, first_event + n_events), batch_size)


class _Generator(NamedTuple):
    pythia: Any
    jet_filter: Any = None


def _batches(
    generator: _Generator, seed: int, events: range, batch_size: int
) -> Iterator[GeneratedBatch]:
    pythia = generator.pythia
    n_done = 0
    n_kept = 0
    for first in events[::batch_size]:
        pythia.rndm.init(derive_seed(seed, "events", first // batch_size))
        particles, partons, weights, n_generated, sum_of_weights = _whole_batch(
            generator, min(batch_size, events.stop - first)
        )
        info = pythia.infoPython()
        n_done = n_done + n_generated
        n_kept = n_kept + len(weights)
        yield GeneratedBatch(
            particles,
            weights,
            n_generated,
            sum_of_weights,
            info.sigmaGen()
            * 1e9
            * n_done
            / max(n_kept, 1),  # Pythia's own leaves out what was vetoed
            int(info.nTried()),
            int(info.nAccepted()),
            partons,
        )
    if n_kept == 0:
        raise InputError(
            f"filter_jets: none of {n_done} events has so many jets, which leaves the "
            "cross-section unknown: generate "
            "more events, or ask for fewer jets"
        )


def _whole_batch(
    generator: _Generator, size: int
) -> tuple[ak.Array, ak.Array, np.ndarray, int, float]:
    """Particles, partons and weights of the events that the filter kept; number of all ``size`` and
    sum of their weights.
    """
    particles = []
    partons = []
    weights = []
    n_done = 0
    sum_of_weights = 0.0
    while n_done < size:
        record, n_vetoed, vetoed_weight = _next_records(generator, size - n_done)
        particles.append(_selected(record, lambda status, _: status > 0))
        partons.append(_selected(record, _are_hard_partons))
        weights.append(np.array(ak.to_numpy(record.info.weights[:, 0])))
        n_done += len(record) + n_vetoed
        sum_of_weights += float(weights[-1].sum()) + vetoed_weight
        del record
    return (
        ak.concatenate(particles),
        ak.concatenate(partons),
        np.concatenate(weights),
        n_done,
        sum_of_weights,
    )


def _are_hard_partons(status: np.ndarray, number: np.ndarray) -> np.ndarray:
    return (np.abs(status) == HARD_STATUS) & np.isin(np.abs(number), PARTONS)


def _next_records(generator: _Generator, size: int) -> tuple[ak.Array, int, float]:
    """Event records, and number and weight of the events that the filter took away: together
    ``size`` events at most.

    Without a filter a number as second argument makes Pythia replace failed events, up to that many
    tries an event. "skip" returns fewer events instead, as it must where a filter takes some away;
    those few that failed are made up for by the next call.
    """
    jet_filter = generator.jet_filter
    if jet_filter is None:
        record = generator.pythia.nextBatch(size, MAX_ATTEMPTS)
        if len(record) != size:
            raise RuntimeError(f"Pythia returned {len(record)} of {size} events")
        return record, 0, 0.0
    jet_filter.forget()
    record = generator.pythia.nextBatch(size, "skip")
    if jet_filter.n_seen == 0:
        raise RuntimeError(f"Pythia failed on {size} events one after the other")
    return record, jet_filter.n_vetoed, jet_filter.vetoed_weight


def _selected(record: ak.Array, wanted: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> ak.Array:
    """Particles that are wanted by status and PDG number, selected on flat columns, which is much
    faster than on lists.
    """
    if len(record) == 0:  # its fields have no names then
        return _particles(
            {
                name: np.zeros(0, np.int32 if name == "id" else np.float64)
                for name in PARTICLE_FIELDS
            },
            [],
        )
    record = record.prt
    status = ak.to_numpy(ak.flatten(record.status))
    keep = wanted(status, ak.to_numpy(ak.flatten(record.id)))
    ends = np.cumsum(ak.to_numpy(ak.num(record.status)))
    kept_ends = np.concatenate([[0], np.cumsum(keep)])[ends]
    columns = {"id": record.id} | {name: record.p[name] for name in PARTICLE_FIELDS[1:]}
    flat = {name: ak.to_numpy(ak.flatten(column))[keep] for name, column in columns.items()}
    return _particles(flat, np.diff(kept_ends, prepend=0))


def _particles(columns: dict[str, np.ndarray], counts: Sequence[int]) -> ak.Array:
    return ak.unflatten(ak.zip(columns), np.asarray(counts, dtype=np.int64))


def _initialize(seed: int, settings: ProcessSettings, process: str) -> _Generator:
    module = _import_pythia()
    pythia = module.Pythia("", False)
    jet_filter = None
    lines = [*COMMON_SETTINGS, f"Random:seed = {seed}", *settings.lines]
    slha_text = settings.slha
    if settings.filter_jets:
        jet_filter = make_jet_filter(module, pythia.infoPython(), settings.filter_jets)
        pythia.setUserHooksPtr(jet_filter)
        lines.append("Check:abortIfVeto = on")
    with tempfile.TemporaryDirectory() as folder:
        if slha_text is not None:
            path = Path(folder) / "spectrum.slha"
            path.write_text(slha_text)
            lines = [*lines, f"SLHA:file = {path}"]
        accepted = [pythia.readString(line) for line in lines]
        if not all(accepted):
            raise RuntimeError(f"Pythia does not know the setting {lines[accepted.index(False)]!r}")
        if not pythia.init():
            raise InputError(
                f"process: Pythia cannot generate {process!r} with these options at 13 TeV"
            )
    return _Generator(pythia, jet_filter)


def _import_pythia() -> ModuleType:
    for name in ("pythia8mc", "pythia8"):  # PyPI's name, conda-forge's name
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    raise InputError(
        "Pythia 8 is not installed: `pip install calovision[example]`, or conda-forge's package "
        "pythia8"
    )
