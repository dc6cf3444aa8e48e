"""A suggested schema, written, read back and tried on the first events of its file."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import awkward as ak
import numpy as np

from calovision.core.errors import InputError
from calovision.ntuples.constituent_check import ConstituentCheck
from calovision.ntuples.ntuple import Ntuple

TRIED_ENTRIES = 1000
CHUNK = 100  # entries; no more are read once there is something in each collection
LOOSEST = (0.4, 1.6)  # share of the pT of jets that their constituents may have


@dataclass
class Trial:
    """Result of reading the first events of a file with a schema.

    Attributes
    ----------
    n_events
        Events that were read.
    counts
        Collection of the package -> objects in them; constituents of all jets.
    check
        Share of the pT of jets that their constituents have.
    energies
        Energy of the towers, and eta.
    collections
        Collection of the package -> its fields.
    """

    n_events: int = 0
    collections: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    check: ConstituentCheck = field(default_factory=ConstituentCheck, repr=False)
    energies: list[np.ndarray] = field(default_factory=list, repr=False)

    def describe(self) -> list[str]:
        """Sentences on what was found."""
        if not self.n_events:
            return ["Tried on the file, which has no events."]
        found = ", ".join(
            f"{'jets' if name == 'fat_jets' else name} {count / self.n_events:.3g}"
            for name, count in self.counts.items()
        )
        sentences = [f"Tried on the first {self.n_events} events; objects an event: {found}."]
        if "constituents" in self.counts:
            sentences.append(f"The constituents have {self.check.describe()}.")
        if reach := self._reach():
            low, high = reach
            sentences.append(f"98% of the energy of towers is at eta {low:.2g} to {high:.2g}.")
        if empty := [name for name, count in self.counts.items() if not count]:
            sentences.append(f"Look at {', '.join(empty)}: there are none in these events.")
        return sentences

    def _reach(self) -> tuple[float, float] | None:
        """Eta below which 1 % and 99 % of the energy are; None without energy."""
        if not self.energies:
            return None
        energy, eta = np.concatenate(self.energies, axis=1)
        used = (energy > 0) & np.isfinite(eta) & np.isfinite(energy)
        energy, eta = energy[used], eta[used]
        if not len(energy):
            return None
        order = np.argsort(eta)
        shares = np.cumsum(energy[order]) / energy.sum()
        low, high = np.searchsorted(shares, [0.01, 0.99])
        return float(eta[order][low]), float(eta[order][min(high, len(eta) - 1)])

    def check_constituents(self) -> None:
        """Raise InputError if the constituents are not those of the jets."""
        if self.check.has_jets and not LOOSEST[0] < self.check.median < LOOSEST[1]:
            raise InputError(f"they have {self.check.describe()}, hence belong to other objects")


def try_schema(path: Path | str, text: str) -> Trial:
    """Read the first events of a file by a schema.

    Raises
    ------
    InputError
        If the schema is wrong, or does not fit the file; if the constituents are not those of the
        jets. The sentence names the schema ``suggested.yaml``.
    """
    with TemporaryDirectory(prefix="calovision-") as folder, _without_warnings():
        schema = Path(folder) / "suggested.yaml"
        schema.write_text(text)
        try:
            with Ntuple(path, schema=schema) as ntuple:
                trial = _read(ntuple)
        except InputError as error:
            raise InputError(str(error).replace(f"{folder}/", "")) from error
    trial.check_constituents()
    return trial


def _read(ntuple: Ntuple) -> Trial:
    collections = ntuple.info.collections
    trial = Trial(collections=collections, counts=dict.fromkeys(collections, 0))
    for events in ntuple.iterate(entry_range=(0, TRIED_ENTRIES), chunk_size=CHUNK):
        trial.n_events += len(events.weight)
        for name in trial.counts:
            values = getattr(events, name)
            trial.counts[name] += int(ak.count(values[values.fields[0]], axis=None))
        if events.towers is not None:
            columns = [ak.to_numpy(ak.ravel(events.towers[name])) for name in ("e", "eta")]
            trial.energies.append(np.stack(columns).astype(np.float64))
        if events.constituents is not None:
            trial.check.add(events.fat_jets, events.constituents)
        if all(trial.counts.values()):
            break
    return trial


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Leave warnings of the package to the one who reads the file by the schema afterwards."""
    logger = logging.getLogger("calovision")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
