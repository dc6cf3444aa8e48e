"""Choice of the groups that become towers, tracks, candidates, jets and constituents."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from calovision.ntuples.suggestions.formulas import (
    Formulas,
    Line,
    candidate_lines,
    constituent_lines,
    cut_of,
    jet_lines,
    tower_lines,
    track_lines,
)
from calovision.ntuples.suggestions.groups import Group
from calovision.ntuples.suggestions.jet_links import JetLink, is_fat
from calovision.ntuples.suggestions.measurements import Measured, unit_of
from calovision.ntuples.suggestions.quantities import words_of
from calovision.ntuples.suggestions.roles import Role

_SPECIAL = {
    Role.TOWER: ("lumi", "beam", "bcal", "lhcal", "egamma", "tau", "muon", "si", "contributions"),
    Role.TRACK: (
        "muon",
        "tau",
        "iso",
        "isolated",
        "gsf",
        "electron",
        "pion",
        "tap",
        "v0",
        "fwd",
        "forward",
        "lrt",
        "refitted",
        "jettrkp",
        "trkp",
        "extrapolated",
        "spectrometer",
    ),
    Role.CANDIDATE: ("lumi", "iso", "tau", "trkp", "lost"),
    Role.JET: (
        "sub",
        "subjet",
        "subjets",
        "soft",
        "softdropped",
        "corr",
        "trimmed",
        "pruned",
        "tag",
        "up",
        "down",
        "tau",
        "track",
        "jecup",
        "jecdown",
        "jerup",
        "jerdown",
        "vbs",
        "higgs",
    ),
}  # words of collections that are a part of the event, or a variation
_PHOTONS = r"photon|gamma"
_NEUTRAL = rf"{_PHOTONS}|neutral"
_EM, _HAD = r"ecal|emcal|\bem\b|\blar\b|electromagnetic", r"hcal|tile|\bhad\b|hadronic"


@dataclass(frozen=True)
class Part:
    """One part of a collection of the schema: its lines, and why it was chosen."""

    lines: tuple[Line, ...]
    comment: str
    label: str


@dataclass(frozen=True)
class Choice:
    """A collection of the schema.

    Attributes
    ----------
    key
        towers, tracks, candidates, jets or constituents.
    parts
        Several are joined.
    alternatives
        Other groups that could stand there.
    """

    key: str
    parts: tuple[Part, ...]
    alternatives: tuple[Part, ...] = ()

    @property
    def label(self) -> str:
        """Names of what it is made of."""
        return ", ".join(part.label for part in self.parts)


@dataclass(frozen=True)
class Chooser:
    """Choices of a file.

    Attributes
    ----------
    groups
        What was measured, without generated particles.
    links
        Links of jets and constituents, the likeliest first.
    """

    groups: Sequence[Measured]
    links: Sequence[JetLink] = ()

    def choose(self) -> list[Choice]:
        """Choices of all collections."""
        link = self.links[0] if self.links else None
        candidates = self._ranked(Role.CANDIDATE, _is_candidate)
        towers = self._towers()
        if not towers and candidates:
            towers = self._towers_of_candidates(candidates)
        towers = towers or self._towers_of_flow()
        tracks = self._tracks(candidates)
        of_candidates = self._collection(
            "candidates", Role.CANDIDATE, _is_candidate, candidate_lines
        )
        jets = self._jets(link)
        if not (towers or of_candidates or link or self._ranked(Role.TRACK, _is_whole)):
            towers = self._towers_of_jets()
        return [*towers, *tracks, *of_candidates, *jets]

    def _ranked(self, role: Role, suits: Callable[[Measured], bool]) -> list[Measured]:
        """Groups of a role in lists, the likeliest first."""
        found = [
            one
            for one in self.groups
            if one.group.role is role and one.group.lists == 1 and suits(one)
        ]
        return sorted(found, key=lambda one: _rank(one, role))

    def _collection(
        self,
        key: str,
        role: Role,
        suits: Callable[[Measured], bool],
        lines: Callable[[Formulas], list[Line]],
    ) -> list[Choice]:
        """Best group of a role, and the others as alternatives; empty without one."""
        parts = [
            _part(one, lines(_formulas(one)), _count(one)) for one in self._ranked(role, suits)
        ]
        return [Choice(key, (parts[0],), tuple(parts[1:]))] if parts else []

    def _towers(self) -> list[Choice]:
        ranked = self._ranked(Role.TOWER, _is_tower)
        sides = {side: [one for one in ranked if _is_of(one.group, side)] for side in (_EM, _HAD)}
        if not all(sides.values()) or any(one.group.has("e_em", "e_had") for one in ranked):
            return self._collection("towers", Role.TOWER, _is_tower, tower_lines)
        parts = tuple(
            _part(one, tower_lines(_formulas(one), part=name), _count(one))
            for side, name in ((_EM, "em"), (_HAD, "had"))
            for one in sides[side]
        )
        chosen = {part.label for part in parts}
        others = [one for one in ranked if one.group.label not in chosen]
        return [
            Choice(
                "towers",
                parts,
                tuple(_part(one, tower_lines(_formulas(one)), _count(one)) for one in others),
            )
        ]

    def _tracks(self, candidates: list[Measured]) -> list[Choice]:
        """Tracks; charged candidates in place of none, or of those of a part of the event."""
        ranked = self._ranked(Role.TRACK, _is_track)
        if not candidates or (ranked and not _is_special(ranked[0])):
            return self._collection("tracks", Role.TRACK, _is_track, track_lines)
        best = candidates[0]
        lines = track_lines(_formulas(best), charged=True)
        comment = f"the charged ones of {best.group.label}: no other collection has all tracks"
        others = tuple(_part(one, track_lines(_formulas(one)), _count(one)) for one in ranked)
        return [Choice("tracks", (_part(best, lines, comment),), others)]

    def _towers_of_flow(self) -> list[Choice]:
        """Towers made of an energy flow in parts: photons, neutral hadrons, and tracks."""
        flow = [one for one in self.groups if one.group.role is Role.CANDIDATE]
        neutral = [
            (one, "em" if _is_of(one.group, _PHOTONS) else "had")
            for one in flow
            if one.group.lists == 1 and one.n_objects and _is_of(one.group, _NEUTRAL)
        ]
        charged = self._ranked(Role.TRACK, _is_track)[:1]
        if not neutral:
            return []
        parts = [
            _part(one, tower_lines(_formulas(one), part=side), _count(one)) for one, side in neutral
        ]
        parts += [
            _part(one, tower_lines(_formulas(one), part="had"), f"{_count(one)}, taken for hadrons")
            for one in charged
        ]
        return [Choice("towers", tuple(parts))]

    def _towers_of_candidates(self, candidates: list[Measured]) -> list[Choice]:
        best = candidates[0]
        comment = f"the file has no calorimeter: made of {best.group.label}"
        return [Choice("towers", (_part(best, tower_lines(_formulas(best)), comment),))]

    def _towers_of_jets(self) -> list[Choice]:
        """Towers made of the jets with the smallest radius, which are the most."""
        jets = [one for one in self._pool_of_jets() if one.n_objects]
        if not jets:
            return []
        best = min(jets, key=lambda one: (_is_special(one), -one.mean))
        comment = (
            f"last resort: the file has no calorimeter, tracks or candidates, so that images are "
            f"made of the jets {best.group.label}"
        )
        return [Choice("towers", (_part(best, tower_lines(_formulas(best)), comment),))]

    def _jets(self, link: JetLink | None) -> list[Choice]:
        ranked = sorted(self._pool_of_jets(), key=lambda one: _rank(one, Role.JET))
        if link is not None:
            ranked = [link.jets, *(one for one in ranked if one is not link.jets)]
        parts = [self._jet_part(one, link) for one in ranked]
        if not parts:
            return []
        jets = Choice("jets", (parts[0],), tuple(parts[1:]))
        if link is None:
            return [jets]
        own = [*constituent_lines(_formulas(link.constituents)), *link.lines]
        part = _part(link.constituents, own, f"{link.constituents.group.label}: {link.reason}")
        return [jets, Choice("constituents", (part,))]

    def _pool_of_jets(self) -> list[Measured]:
        return [
            one
            for one in self.groups
            if one.group.role is Role.JET and one.group.lists < 2 and one.group.has_momentum
        ]

    def _jet_part(self, one: Measured, link: JetLink | None) -> Part:
        linked = link is not None and link.jets is one
        lines = jet_lines(_formulas(one), has_constituents=linked)
        if one.group.lists == 0 and one.group.n_objects == 1:
            lines.append(Line("one_per_entry", "true", "one jet an entry"))
        return _part(one, lines, _count(one))


def _formulas(measured: Measured) -> Formulas:
    return Formulas(measured, unit_of(measured))


def _part(measured: Measured, lines: Sequence[Line], comment: str) -> Part:
    cut = [] if any(line.key == "cut" for line in lines) else cut_of(measured, lines)
    return Part((*lines, *cut), comment, measured.group.label)


def _count(measured: Measured) -> str:
    """Comment on a group."""
    text = _objects(measured)
    if measured.group.is_guessed:
        text += f"; taken for {measured.group.role.value} by its quantities"
    if _is_special(measured):
        text += "; by its name a part of the event, or a variation"
    return text


def _objects(measured: Measured) -> str:
    if measured.group.lists == 0:
        number = measured.group.n_objects
        return f"{measured.group.label}: {number} object{'s' if number > 1 else ''} an event"
    if not measured.n_objects:
        return f"{measured.group.label}: none in the first {len(measured.counts)} entries"
    return f"{measured.group.label}: {measured.mean:.3g} an event"


def _rank(one: Measured, role: Role) -> tuple[bool, bool, int, float]:
    """Order of the groups of a role: filled, of the whole event, plain, large."""
    is_small = role is Role.JET and not is_fat(one.group)
    return (one.n_objects == 0, _is_special(one), is_small, -one.mean)


def _is_special(one: Measured) -> bool:
    """Return True for objects that are a part of the event, or a variation, by their name."""
    special = _SPECIAL.get(one.group.role, ())
    return any(word.startswith(special) for word in words_of(one.group.label) if special)


def _is_of(group: Group, pattern: str) -> bool:
    """Return True if a part of the name says so, as ``ecal`` in ECalBarrel."""
    words = words_of(group.label)
    return bool(re.search(pattern, "".join(words)) or re.search(pattern, " ".join(words)))


def _is_tower(one: Measured) -> bool:
    return one.group.has_energy


def _is_track(one: Measured) -> bool:
    return one.group.has_momentum


def _is_whole(one: Measured) -> bool:
    return _is_track(one) and not _is_special(one)


def _is_candidate(one: Measured) -> bool:
    return one.group.has_momentum and (one.group.has("charge") or one.group.has("pdg"))
