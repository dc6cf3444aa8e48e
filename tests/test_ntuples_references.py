"""Constituents of Delphes' jets by reference: looked up by unique numbers, and counted if they are
not there."""

import logging
from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
import uproot

from calovision.core.errors import InputError
from calovision.ntuples import iterate_events
from calovision.ntuples.branch_arrays import BranchArrays
from calovision.ntuples.constituents import read_constituents
from calovision.ntuples.schemas.links import References
from calovision.ntuples.schemas.schema import Collection, Constituents, TreeSchema

FULL = "delphes_ATLASfat_qcd300_pythia8_10ev_full.root"
SLIM = "delphes_ATLASfat_rpv_go1400_n850_pythia8_100ev_slim.root"
FIELDS = ("pt", "eta", "phi", "e", "e_em", "e_had")
PROCESS = 6 << 24


def part(name, **more):
    return Constituents({"pt": f"{name}.pt", **more}, link=References("jets.refs", f"{name}.id"))


SCHEMA = TreeSchema(
    tree="t",
    fat_jets=(Collection({"pt": "jets.pt"}),),
    constituents=(part("a", charge="a.charge"), part("b")),
)


def chunk(**changes):
    """Two events, with two jets and one; the object 5 of the second event stands in both parts."""
    lists = {
        "jets.pt": [[9.0, 8.0], [7.0]],
        "jets.refs": [[[3, 1], [2, 4, 9]], [[5, 1]]],
        "a.id": [[1, 2], [0, 0, PROCESS + 5]],
        "a.pt": [[10.0, 20.0], [1.0, 2.0, 50.0]],
        "a.charge": [[1, -1], [1, 1, 1]],
        "b.id": [[9, 4, 3], [1, 5]],
        "b.pt": [[90.0, 40.0, 30.0], [100.0, 500.0]],
    } | changes
    arrays = {name: ak.Array(values) for name, values in lists.items()}
    if isinstance(lists["jets.refs"], list):
        refs = arrays["jets.refs"]
        arrays["jets.refs"] = ak.zip({"fSize": ak.num(refs, axis=2), "refs": refs}, depth_limit=2)
    return BranchArrays(arrays, "a.root", 40, 2)


def read(content, schema=SCHEMA, names=("pt", "charge")):
    return read_constituents(content, schema, names)


def test_references_are_looked_up_in_one_part_after_the_other():
    """By the lower 24 bits, in the event; an object that stands in two parts is that of the first
    one, and objects of the number 0 are not referenced."""
    found = read(chunk(), names=("pt",))
    assert found.pt.tolist() == [[[10, 30], [20, 40, 90]], [[50, 100]]]
    other_way = replace(SCHEMA, constituents=SCHEMA.constituents[::-1])
    found = read(chunk(), other_way, ("pt",))
    assert found.pt.tolist() == [[[30, 10], [40, 90, 20]], [[500, 100]]]


def test_lists_of_numbers_are_references_too():
    refs = ak.Array([[[3, 1], [2, 4, 9]], [[5, 1]]])
    found = read(chunk(**{"jets.refs": refs}), names=("pt",))
    assert found.pt.tolist() == [[[10, 30], [20, 40, 90]], [[50, 100]]]


def test_only_parts_that_are_referenced_need_a_field():
    only_a = {"jets.refs": [[[1], [2]], [[5]]]}
    found = read(chunk(**only_a))
    assert found.charge.tolist() == [[[1], [-1]], [[1]]]
    assert read(chunk()).fields == ["pt"]  # b has no charge
    nothing = {
        "jets.pt": ak.Array([[1.0], [1.0]])[:, :0],
        "jets.refs": ak.Array([[[1]], [[1]]])[:, :0],
    }
    empty = read(chunk(**nothing))
    assert (empty.fields, empty.tolist()) == (["pt", "charge"], [[], []])


def test_references_to_nothing(caplog, monkeypatch):
    lost = {"jets.refs": [[[3, 1], [2, 4, 9]], [[5, 7, 0]]]}
    with pytest.raises(InputError) as raised:
        read(chunk(**lost))
    assert str(raised.value) == (
        "a.root, chunk from entry 40: 2 of 8 references in jets.refs point to objects that none "
        "of a.id, b.id has, the first in entry 41; images of these jets would lack energy: give a "
        "file with the objects that they are made of, or constituents: none in a schema that "
        "extends delphes, for images of towers clustered again"
    )
    monkeypatch.setattr("calovision.ntuples.references.LARGEST_SHARE_LOST", 0.25)
    with caplog.at_level(logging.WARNING):
        assert read(chunk(**lost), names=("pt",)).pt.tolist()[1] == [[50]]
    assert "2 of 8 references in jets.refs" in caplog.text
    assert "their energy is missing in the images" in caplog.text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"a.id": [[1, 1], [0, 0, 5]]}, "two objects of entry 40 have the a.id 1, so that refer"),
        (
            {"jets.refs": ak.Array([[[1], [1]], [[1]]])[:, :, :0]},
            "jets.refs is empty for all 3 jets; constituents: none in",
        ),
        ({"jets.refs": [[[1]], [[1]]]}, "entry 40 has constituents of 1 jets, but 2 jets"),
        ({"a.id": [[1], [1, 2, 3]]}, "a.id and a.pt differ in length at entry 40"),
        ({"jets.refs": ak.Array([[1, 1], [1]])}, "it must hold one TRefArray a jet"),
    ],
)
def test_references_that_cannot_be_read(changes, message):
    with pytest.raises(InputError) as raised:
        read(chunk(**changes))
    assert message in str(raised.value)


# --- genuine files


def looked_up(path, jets, collections, n_events=None):
    """Constituents of each jet, (pt, eta, phi) each, by a loop over the references of a file."""
    tree = uproot.open(path)["Delphes"]
    references = tree[f"{jets}.Constituents"].array(library="np", entry_stop=n_events)
    objects = [{} for _ in references]
    for name, pt in collections.items():
        leaves = (
            tree[f"{name}.{leaf}"].array(entry_stop=n_events).to_list()
            for leaf in ("fUniqueID", pt, "Eta", "Phi")
        )
        for event, columns in enumerate(zip(*leaves, strict=True)):
            for number, *values in zip(*columns, strict=True):
                objects[event].setdefault(number, tuple(values))
    return [
        [[objects[event][int(number)] for number in of_jet.refs] for of_jet in of_event]
        for event, of_event in enumerate(references)
    ]


@pytest.fixture(scope="module")
def slim(delphes_dir):
    fields = {"fat_jets": ("pt", "eta", "phi", "mass"), "constituents": FIELDS}
    (events,) = iterate_events(delphes_dir / SLIM, fields=fields)
    return events


def test_references_are_read_only_where_they_are_asked_for(delphes_dir):
    (events,) = iterate_events(delphes_dir / SLIM)
    assert events.constituents is None
    assert len(events.towers) == 100


def test_constituents_of_a_genuine_file_are_what_its_references_say(slim, delphes_dir):
    expected = looked_up(delphes_dir / SLIM, "FatJet", {"Tower": "ET"}, 20)
    columns = [slim.constituents[name][:20].to_list() for name in FIELDS[:3]]
    for wanted, *event in zip(expected, *columns, strict=True):
        for of_jet, *found in zip(wanted, *event, strict=True):
            assert list(zip(*found, strict=True)) == of_jet


def test_jets_of_a_genuine_file_are_the_sum_of_their_constituents(slim):
    of = {name: slim.constituents[name].to_list() for name in FIELDS}
    px, py = (
        ak.sum(slim.constituents.pt * function(slim.constituents.phi), axis=2)
        for function in (np.cos, np.sin)
    )
    pz = ak.sum(slim.constituents.pt * np.sinh(slim.constituents.eta), axis=2)
    assert len(of["pt"]) == 100
    jets = slim.fat_jets
    np.testing.assert_allclose(ak.flatten(np.hypot(px, py)), ak.flatten(jets.pt), rtol=1e-6)
    eta = np.arcsinh(pz / np.hypot(px, py))
    np.testing.assert_allclose(ak.flatten(eta), ak.flatten(jets.eta), atol=1e-5)
