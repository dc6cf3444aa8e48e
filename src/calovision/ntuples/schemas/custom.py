"""Schema of a user: a YAML file in place of the name of a schema.

Each quantity is a branch or a formula of branches (`calovision.selection.expressions` says all that
a formula may hold). A branch whose name has other characters than letters, digits, ``_`` and ``.``
stands in quotes of its own, inside of those of YAML: ``e: "'cl-e' / 1000"``. ``x[1]`` is the second
element of an event's array or vector, as in ``weight: "mc_weights[1]"``, or that of each object's
array of fixed size. For a file with momenta in MeV::

    tree: analysis/events             # with its folders
    event_number: evt                 # or a formula; without it the entries are numbered
    weight: mc_weight * pileup_weight # without it every weight is 1
    towers:
      eta: cl_eta
      phi: cl_phi
      e_em: cl_em_e / 1000            # GeV
      e_had: cl_had_e / 1000          # e, the energy, is their sum unless it is given
      cut: cl_em_e + cl_had_e > 500   # towers that are kept
    tracks:
      pt: sqrt(trk_px**2 + trk_py**2) / 1000
      eta: arcsinh(trk_pz / sqrt(trk_px**2 + trk_py**2))
      phi: arctan2(trk_py, trk_px)
      cut: pt > 0.5                   # fields of the collection may be used, too
    jets:
      pt: jet_pt / 1000
      eta: jet_eta
      phi: jet_phi
      mass: jet_m / 1000
      tau1: jet_tau1                  # tau1, tau2, tau3 may be absent
    constituents:                     # of the jets: lists in lists, or an index table
      pt: trk_pt / 1000
      eta: trk_eta
      phi: trk_phi
      jet_index: link_jet             # one row of the table a constituent: number of its jet
      item_index: link_track          # and its place in the lists of pt, eta, phi
    n_generated: cutflow/total[1]     # number, histogram, histogram[bin] or tree/branch of counters
    sum_of_weights: cutflow/weighted[1]
    cross_section_pb: 41.4            # a number, or a branch whose last entry counts

``candidates`` (pt, eta, phi, charge and optionally e) are the particle-flow candidates.
``one_per_entry: true`` in ``jets`` says that an entry is one jet, whose branches hold numbers and
whose constituents hold lists. A number in ``n_generated`` or ``sum_of_weights`` is that of every
file. ``candidate_weight``, a branch or a formula, multiplies the momenta of candidates and
constituents; those of weight 0 are dropped.

``extends: nanoaod`` takes a schema that is known by name, of which the other keys, but no
collections, replace parts: with ``candidate_weight: none``, or a branch, the file does not decide
(`calovision.ntuples.candidate_weights`).
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from calovision.core.errors import InputError
from calovision.core.user_files import read_yaml
from calovision.ntuples.expressions import names_in
from calovision.ntuples.schemas.links import IndexTable
from calovision.ntuples.schemas.schema import (
    SUBJETTINESS,
    Collection,
    Constituents,
    Schema,
    TreeSchema,
)
from calovision.selection.expressions import parse
from calovision.selection.expressions.kinds import CONDITION
from calovision.selection.expressions.nodes import names_with_indices

_ENERGIES = ("e", "e_em", "e_had")
# Collection in the file -> fields it must have, fields it may have, other keys.
_COLLECTIONS = {
    "towers": (("eta", "phi"), _ENERGIES, ("cut",)),
    "tracks": (("pt", "eta", "phi"), (), ("cut",)),
    "candidates": (("pt", "eta", "phi", "charge"), ("e",), ("cut",)),
    "jets": (("pt", "eta", "phi", "mass"), SUBJETTINESS, ("cut", "one_per_entry")),
    "constituents": (
        ("pt", "eta", "phi"),
        ("charge", *_ENERGIES),
        ("cut", "jet_index", "item_index"),
    ),
}
_FORMULAS = ("event_number", "weight")
_NUMBERS = ("n_generated", "sum_of_weights", "cross_section_pb")
_KEYS = ("tree", *_COLLECTIONS, *_FORMULAS, *_NUMBERS, "candidate_weight")
_CHANGES = ("extends", "tree", *_FORMULAS, *_NUMBERS, "candidate_weight")
_OF_CANDIDATES = ("candidates", "constituents")


def read_schema(path: Path, known: Mapping[str, Schema]) -> Schema:
    """Read a schema from a YAML file.

    Parameters
    ----------
    path
        The file; an example stands at the top of this module.
    known
        Schemas that it may extend, by name.

    Raises
    ------
    InputError
        If the file is missing or no YAML; if a key is unknown, missing or of the wrong kind; if a
        formula cannot be read.
    """
    content = read_yaml(path, "schema")
    if "extends" not in content:
        return Schema(str(path), str(path), (_tree_schema(content, path),))
    _check_keys(content, _CHANGES, (), str(path))
    name = content["extends"]
    if name not in known:
        raise InputError(f"{path}: extends is {name!r}; choose one of {', '.join(known)}")
    changes: dict[str, object] = _formulas_and_numbers(content, path)
    if "weight" in content:
        changes["weight_may_miss"] = False
    if "cross_section_pb" in content:
        changes["cross_section_may_miss"] = False
    if "tree" in content:
        changes["tree"] = _tree(content, path)
    return replace(known[name], name=str(path), title=str(path)).with_changes(**changes)


def _tree_schema(content: Mapping[str, object], path: Path) -> TreeSchema:
    """Schema of a file that extends no other one."""
    _check_keys(content, _KEYS, ("tree",), str(path))
    if not set(content) & (set(_COLLECTIONS) - {"jets"}):
        raise InputError(
            f"{path} has no collection; give towers, tracks, candidates or constituents"
        )
    if "constituents" in content and "jets" not in content:
        raise InputError(f"{path}: constituents belong to jets; give the key jets, too")
    if "candidate_weight" in content and set(content).isdisjoint(_OF_CANDIDATES):
        raise InputError(
            f"{path}: candidate_weight belongs to {' or '.join(_OF_CANDIDATES)}; give one of "
            "these, too"
        )
    collections = {
        name: _collection(name, content[name], f"{path}: {name}")
        for name in _COLLECTIONS
        if name in content
    }
    parts = {_our_name(name): (part,) for name, part in collections.items()}
    return TreeSchema(
        tree=_tree(content, path),
        weighted_collections=_OF_CANDIDATES,
        **parts,
        **_formulas_and_numbers(content, path),
    )


def _tree(content: Mapping[str, object], path: Path) -> str:
    if not isinstance(content["tree"], str):
        raise InputError(f"{path}: tree is {content['tree']!r}; it must be the name of a tree")
    return content["tree"]


def _formulas_and_numbers(content: Mapping[str, object], path: Path) -> dict[str, object]:
    """Attributes of the schema that are no collections."""
    found = {key: _formula(content[key], f"{path}: {key}") for key in _FORMULAS if key in content}
    found |= {
        key: _number_or_name(content[key], f"{path}: {key}") for key in _NUMBERS if key in content
    }
    if isinstance(section := found.get("cross_section_pb"), str):
        found["cross_section_pb"] = _formula(section, f"{path}: cross_section_pb")
    if "candidate_weight" in content:
        weight = content["candidate_weight"]
        is_none = weight in (None, "none")
        found["candidate_weight"] = (
            None if is_none else _formula(weight, f"{path}: candidate_weight")
        )
        found["puppi_weights"] = ()
    return found


def _our_name(name: str) -> str:
    return "fat_jets" if name == "jets" else name


def _check_keys(
    given: Mapping[str, object], known: tuple[str, ...], demanded: tuple[str, ...], where: str
) -> None:
    for key in given:
        if key not in known:
            raise InputError(f"{where}: unknown key {key!r}; choose from {', '.join(known)}")
    if missing := [key for key in demanded if key not in given]:
        raise InputError(f"{where} lacks the key {missing[0]!r}; it must be given")


def _collection(name: str, given: object, where: str) -> Collection:
    """One collection of the file."""
    demanded, further, options = _COLLECTIONS[name]
    if not isinstance(given, Mapping):
        raise InputError(f"{where} is {given!r}; it must hold the keys {', '.join(demanded)}")
    _check_keys(given, (*demanded, *further, *options), demanded, where)
    fields = {
        key: _formula(given[key], f"{where}.{key}") for key in (*demanded, *further) if key in given
    }
    if name == "towers":
        _check_energies(fields, where)
    if {"e_em", "e_had"} <= set(fields):
        fields.setdefault("e", f"({fields['e_em']}) + ({fields['e_had']})")
    if not any(names_in(text) for text in fields.values()):
        raise InputError(
            f"{where} uses no branch; its keys must be branches or formulas of branches"
        )
    cut = _cut(given["cut"], fields, f"{where}.cut") if "cut" in given else None
    if name == "constituents":
        return Constituents(fields, cut=cut, link=_index_table(given, where))
    return Collection(
        fields,
        cut=cut,
        one_per_entry=_switch(given.get("one_per_entry", False), f"{where}.one_per_entry"),
    )


def _check_energies(fields: Mapping[str, str], where: str) -> None:
    if not ("e" in fields or {"e_em", "e_had"} <= set(fields)):
        raise InputError(f"{where} has no energy; give e, or both e_em and e_had")


def _index_table(given: Mapping[str, object], where: str) -> IndexTable | None:
    """Branches of the index table, which are no formulas."""
    table = {key: given[key] for key in ("jet_index", "item_index") if key in given}
    for key, name in table.items():
        found = parse(name, f"{where}.{key}") if isinstance(name, str) else None
        if found is None or not found.is_name:
            raise InputError(f"{where}.{key} is {name!r}; it must be the name of a branch")
        table[key] = found.names[0]
    if "item_index" in table and "jet_index" not in table:
        raise InputError(
            f"{where}.item_index needs jet_index, the number of the jet of each row; give both"
        )
    return IndexTable(**table) if table else None


def _formula(value: object, where: str) -> str:
    """Branch, formula or number, as text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InputError(f"{where} is {value!r}; it must be a branch, a formula or a number")
    return parse(str(value), where).text


def _cut(value: object, fields: Mapping[str, str], where: str) -> str:
    """Condition on branches, with the collection's own fields replaced by their formulas."""
    cut = parse(_formula(value, where), where)
    for name in names_with_indices(cut.tree):
        if name.indices and name.base in fields:
            raise InputError(
                f"{where}: {name.text} is an element of the field {name.base}, which has one "
                "number an object; write "
                f"{name.base}, or the element of a branch"
            )
    cut = cut.substitute(fields, where)
    if CONDITION not in cut.possible_kinds(where):
        raise InputError(
            f"{where}: {value!r} gives numbers; it must be a comparison, true or false"
        )
    return cut.text


def _number_or_name(value: object, where: str) -> float | str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InputError(
            f"{where} is {value!r}; it must be a number or the name of an object in the file"
        )
    return value


def _switch(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"{where} is {value!r}; it must be true or false")
    return value
