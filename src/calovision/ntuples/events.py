"""Events of a chunk, and the description of all events of a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import awkward as ak
import numpy as np


@dataclass(frozen=True)
class Events:
    """One chunk of n events; GeV, radians.

    Collections keep the number type of the file (float32 stays float32), also what is computed from
    it; fat jets are float64. A collection that the file does not have, or that was not asked for,
    is None.

    Attributes
    ----------
    event_number
        int64 ``(n,)``; not unique over the files of a sample (Delphes starts each file at 0). The
        number of the entry where the file has none.
    weight
        Generator weight, float64 ``(n,)``; 1 if the file has none.
    towers
        Records eta, phi, e, e_em, e_had, ``n * var``. Muon towers of Delphes have e > 0 and e_em =
        e_had = 0.
    tracks
        Records pt, eta, phi, ``n * var``.
    fat_jets
        The file's own jets, Momentum4D records pt, eta, phi, mass (and tau1 to tau4: take
        ``fat_jets["tau2"]``, as the attribute tau2 of a vector is its squared proper time), ``n *
        var``.
    candidates
        Particle-flow candidates, records pt, eta, phi, charge, e, ``n * var``.
    constituents
        Of each fat jet, records pt, eta, phi (and charge, e, e_em, e_had), ``n * var * var``.
    weight_variations
        All generator weights, float64 ``(n, k)``; None if there is one only.
    row_label, process_id
        Label and number of the process of each entry, int64 ``(n,)``; None if the schema has none.
    variables
        Variables of branches of the user's own, float64 ``(n,)``, by name; those of fat jets are
        further fields of these.
    first_entry
        Entry of the file that the first event is from; the others follow.
    """

    event_number: np.ndarray
    weight: np.ndarray
    towers: ak.Array | None
    tracks: ak.Array | None
    fat_jets: ak.Array | None
    candidates: ak.Array | None = None
    constituents: ak.Array | None = None
    weight_variations: np.ndarray | None = None
    row_label: np.ndarray | None = None
    process_id: np.ndarray | None = None
    variables: Mapping[str, np.ndarray] = field(default_factory=dict)
    first_entry: int = 0


COUNTED = "generated events"
"""The warning of files whose entries were taken for all generated events."""


@dataclass(frozen=True)
class NtupleInfo:
    """Description of all events of a file.

    Attributes
    ----------
    path, schema, tree
        Where the events are; the path of a file elsewhere (``root://...``) is a str.
    uuid
        The identifier that ROOT gave the file.
    n_entries
        Events in the file.
    n_generated
        Number of generated events: as given, else the file's own counter, else the number of
        entries.
    sum_of_weights
        Sum of the generator weights of all generated events.
    counted_from, count_doubts
        Where the number of generated events is from; if its entries were counted, what speaks
        against it.
    n_weights
        Generator weights of each event, without those in branches of their own if the first one
        counts; None if events differ in it.
    cross_section_pb
        The generator's; None if there is none or it is not positive (DelphesPythia8 writes
        -1.6e-23).
    candidate_weight, candidate_weight_reason
        Weight by which the momenta of candidates, and of what is made of them, are multiplied
        (None: they are as in the file), and why; the reason is empty if there was nothing to
        choose.
    fat_jet_radius
        Radius of the fat jets of the schema; None if it is not known.
    collections
        Collections that the file has -> their fields.
    read_from
        Collection -> its fields -> branches of each.
    weights
        Branches of the generator weights; none if every weight is 1.
    undecided
        Collections that are empty in the whole file, so that nothing tells where those of other
        files come from.
    missing
        Collections of the schema that it does not have -> the branches that it lacks for them.
    notes
        Sentences of the schema on what the images are made of.
    choices
        Key of ``choose`` in a schema's file -> names of the file's collections that it may give.
    variables
        Names of the variables of branches that events have.
    row_numbers
        Those of ``row_label`` and ``process_id`` that the schema has.
    n_branches, without_checksums
        Number of branches that are read for all of that; those in whose bytes nothing tells that a
        bit is another one.
    run, lumi_block
        Branch or formula of the number of the run and of the lumi block; None if the file has none
        that its schema knows.
    """

    path: Path | str
    uuid: str
    schema: str
    tree: str
    n_entries: int
    n_generated: int
    sum_of_weights: float
    cross_section_pb: float | None
    counted_from: str = ""
    count_doubts: tuple[str, ...] = ()
    n_weights: int | None = 1
    candidate_weight: str | None = None
    candidate_weight_reason: str = ""
    fat_jet_radius: float | None = None
    collections: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    read_from: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    weights: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    row_numbers: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    n_branches: int = 0
    without_checksums: tuple[str, ...] = ()
    run: str | None = None
    lumi_block: str | None = None

    @property
    def warnings(self) -> dict[str, str]:
        """Sentences that a reader of the images should know, by what they are about."""
        counted = (
            f"the {self.n_entries} entries are taken for all generated events, although "
            f"{' and '.join(self.count_doubts)}; give n_generated and sum_of_weights if events "
            "were dropped"
        )
        found = {"content": "; ".join(self.notes)} if self.notes else {}
        return found | ({COUNTED: counted} if self.count_doubts else {})
