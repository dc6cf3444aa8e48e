"""Schemas that nobody should write: the events of a file, or one sentence that names the schema or
the file.
"""

import json

import awkward as ak
import numpy as np
import pytest
from fakes_ntuples import write_file
from hostile import cases, mutated, right_or_refused
from hypothesis import given
from hypothesis import strategies as st

from calovision.core.errors import InputError
from calovision.ntuples import iterate_events
from calovision.ntuples.schemas import find_schema

N = 4
FORMULAS = (
    *("eta", "phi", "e", "pt", "w", "n", "link", "item", "e / 1000", "e * w", "pt * cosh(eta)"),
    *("sum(pt)", "sum(e[1:3])", "e[0]", "w[0]", "pt[0]", "n << 3", "where(e > 1, e, 0)"),
    *("e > 1", "w > 0", "'e'", "e.real", "nan", "1", "0", "1 / 0", "e // 0", "x", "w + link", "(e"),
    *(
        "e ** 100",
        "9 ** 99",
        "sqrt(-e)",
        "log(0 * e)",
        "-e",
        "n % 0",
        "True",
        "e and eta",
        "sum(w)",
    ),
)
SCHEMA = {
    "tree": "events",
    "event_number": "n",
    "weight": "w",
    "towers": {"eta": "eta", "phi": "phi", "e": "e", "cut": "e > 0.5"},
    "tracks": {"pt": "pt", "eta": "eta", "phi": "phi"},
    "jets": {"pt": "jet_pt", "eta": "jet_eta", "phi": "jet_phi", "mass": "jet_m"},
    "constituents": {
        "pt": "pt",
        "eta": "eta",
        "phi": "phi",
        "jet_index": "link",
        "item_index": "item",
    },
    "n_generated": 100,
    "cross_section_pb": 3.5,
    "fat_jet_radius": 0.8,
}
SECTIONS = ("towers", "tracks", "jets", "constituents")


@pytest.fixture(scope="module")
def ntuple(tmp_path_factory):
    """File of branches of every type that the formulas name."""
    rng = np.random.default_rng(1)
    counts, jets = np.array([3, 0, 5, 2]), np.array([1, 0, 2, 1])

    def lists(of, low, high):
        return ak.unflatten(rng.uniform(low, high, of.sum()), of)

    columns = {"n": np.arange(N), "w": np.array([1.0, -1.0, 0.5, 2.0])}
    columns |= {"eta": lists(counts, -2, 2), "phi": lists(counts, -3, 3)}
    columns |= {"e": lists(counts, 0, 90), "pt": lists(counts, 0, 90)}
    columns |= {"jet_pt": lists(jets, 200, 900), "jet_eta": lists(jets, -1, 1)}
    columns |= {"jet_phi": lists(jets, -3, 3), "jet_m": lists(jets, 0, 90)}
    columns |= {"link": ak.values_astype(0 * lists(jets, 0, 1), np.int32)}
    columns |= {"item": ak.values_astype(0 * lists(jets, 0, 1), np.int32)}
    return write_file(tmp_path_factory.mktemp("ntuple") / "a.root", events=columns)


@st.composite
def schemas(draw):
    """The schema with one to three values changed, most of them formulas."""
    content = SCHEMA
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.integers(0, 2)):
            section = draw(st.sampled_from(SECTIONS))
            if isinstance(content, dict) and isinstance(content.get(section), dict):
                keys = [*SCHEMA[section], "cut", "e_em", "e_had", "layer", "charge", "counts"]
                changed = {draw(st.sampled_from(keys)): draw(st.sampled_from(FORMULAS))}
                content = {**content, section: {**content[section], **changed}}
        else:
            content = mutated(draw, content, SCHEMA)
    return content


def read(path, ntuple):
    """Events of the file by a schema."""
    find_schema(path)
    return list(iterate_events(ntuple, schema=str(path)))


def test_the_schema_is_right(ntuple, tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text(json.dumps(SCHEMA))
    (events,) = read(path, ntuple)
    assert events.event_number.tolist() == [0, 1, 2, 3]
    assert ak.num(events.towers.eta).tolist() == [3, 0, 5, 2]


@cases(100)
@given(schema=schemas())
def test_changed_schemas(ntuple, tmp_path_factory, schema):
    path = tmp_path_factory.getbasetemp() / "hostile.yaml"
    path.write_text(json.dumps(schema))
    found = right_or_refused(read, path, ntuple)
    if isinstance(found, InputError):
        assert "hostile.yaml" in str(found) or "a.root" in str(found)
        return
    assert sum(len(events.event_number) for events in found) == N
    for events in found:
        assert np.isfinite(events.weight).all()
