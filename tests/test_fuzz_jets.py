"""Jets of towers and of files in any layout, with missing and damaged entries: right, or an
InputError."""

import awkward as ak
import numpy as np
import pytest
from fakes_records import (
    collections,
    damaged_momenta,
    etas,
    laid_out_records,
    momenta,
    phis,
    present,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

from calovision.core.errors import InputError
from calovision.core.kinematics import wrap_phi
from calovision.jets import (
    EventContent,
    FatJetDefinition,
    cluster_fat_jets,
    cluster_with_constituents,
    event_content,
    event_variables,
    find_fat_jets_with_constituents,
    hard_subjet_constituents,
    jet_columns,
    kt_subjets,
    select_fat_jets,
    trim,
)

TOWERS = {"e": momenta, "eta": etas, "phi": phis, "e_em": momenta}
TRACKS = {"pt": momenta, "eta": etas, "phi": phis}
JETS = {
    "pt": st.integers(-10, 3000).map(float),
    "eta": st.floats(-3, 3, width=32),
    "phi": st.floats(-7, 7, width=32),
}
JETS |= {"mass": st.integers(0, 500).map(float)}
FIELDS = ("pt", "eta", "phi", "mass")
SMALL = EventContent(pt_min=5.0, leading_towers=2, leading_tracks=3)

SLOW = settings(max_examples=settings.default.max_examples // 4)  # a twentieth of a second each
CLUSTERED = settings(max_examples=settings.default.max_examples // 2)  # thrice in each example


@st.composite
def laid_out(draw, fields, n_events=None):
    """A collection in some layout, and its events as lists of records without what is missing."""
    plain = draw(collections(fields, draw(st.integers(0, 4)) if n_events is None else n_events))
    return draw(laid_out_records(plain, dict.fromkeys(fields, np.float64))), present(plain)


def plain_array(events, fields):
    """The events as the simplest array: offsets and columns."""
    counts = np.array([len(event) for event in events], dtype=np.int64)
    columns = {
        name: np.array([one[name] for event in events for one in event], dtype=np.float64)
        for name in fields
    }
    return ak.unflatten(ak.zip(columns), counts)


def assert_equal(found, expected):
    """The same numbers, NaN included, of arrays or of dictionaries of them; a field that could
    lack numbers, and lacks none, is as good as one that could not."""
    if isinstance(found, dict):
        assert found.keys() == expected.keys()
        for name in found:
            np.testing.assert_array_equal(found[name], expected[name])
    else:
        # nobody knows the further fields of a collection without a record
        assert set(found.fields) == set(expected.fields) or ak.count(expected[FIELDS[1]]) == 0
        assert all(
            ak.array_equal(
                # packed, as awkward drops none of lists whose offsets have 32 bits
                *(ak.drop_none(ak.to_packed(one[name]), axis=-1) for one in (found, expected)),
                equal_nan=True,
                dtype_exact=False,
                check_parameters=False,
            )
            for name in found.fields
        )


def towers_that_could_lack_a_field():
    """A plain layout but for e_em, of an option type without a missing number, and its events."""
    events = [[{"e": 50.0, "eta": 0.1, "phi": 0.2, "e_em": 20.0}], []]
    array = plain_array(events, TOWERS)
    e_em = ak.contents.UnmaskedArray(array.e_em.layout.content)
    fields = [*(array[name].layout.content for name in ("e", "eta", "phi")), e_em]
    records = ak.contents.RecordArray(fields, list(TOWERS))
    return ak.Array(ak.contents.ListOffsetArray(array.e_em.layout.offsets, records)), events


@CLUSTERED
@given(towers=laid_out(TOWERS), trimming=st.sampled_from([None, (0.2, 0.05)]))
@example(towers=towers_that_could_lack_a_field(), trimming=None)
def test_towers_in_any_layout(towers, trimming):
    array, events = towers
    options = {"radius": 0.8, "pt_min": 5.0, "trimming": trimming}
    jets, constituents = cluster_with_constituents(array, **options)
    expected, expected_constituents = cluster_with_constituents(
        plain_array(events, TOWERS), **options
    )
    assert_equal(jets, expected)
    assert_equal(constituents, expected_constituents)
    assert_equal(cluster_fat_jets(array, **options), jets)


@SLOW
@given(data=st.data(), n_events=st.integers(0, 4))
def test_event_content_of_any_layout(data, n_events):
    (towers, of_towers), (tracks, of_tracks) = (
        data.draw(laid_out(fields, n_events)) for fields in (TOWERS, TRACKS)
    )
    expected = event_content(plain_array(of_towers, TOWERS), plain_array(of_tracks, TRACKS), SMALL)
    assert_equal(event_content(towers, tracks, SMALL), expected)


@SLOW
@given(towers=laid_out(TOWERS))
def test_jets_have_the_momentum_of_their_constituents(towers):
    array, events = towers
    jets, constituents = cluster_with_constituents(array, radius=0.8, pt_min=5.0)
    assert len(jets) == len(events)
    px, py = (ak.sum(constituents.pt * turn(constituents.phi), axis=2) for turn in (np.cos, np.sin))
    np.testing.assert_allclose(
        ak.flatten(np.hypot(px, py)), ak.flatten(jets.pt), rtol=1e-9, atol=1e-9
    )


@SLOW
@given(jets=laid_out(JETS))
def test_jets_in_any_layout(jets):
    array, events = jets
    selected = [
        sorted((j for j in e if j["pt"] > 200 and abs(j["eta"]) < 2), key=lambda j: -j["pt"])
        for e in events
    ]
    found = select_fat_jets(array)
    assert [[[j[f] for f in FIELDS] for j in event] for event in found.tolist()] == [
        [[j[f] for f in FIELDS] for j in event] for event in selected
    ]
    variables, columns = event_variables(found), jet_columns(found, 2)
    assert variables["n_fat_jets"].tolist() == [len(event) for event in selected]
    assert variables["mj_sum"].tolist() == [sum(j["mass"] for j in event[:4]) for event in selected]
    assert variables["ht"].tolist() == [sum(j["pt"] for j in event) for event in selected]
    assert columns["event_index"].tolist() == [
        i for i, event in enumerate(selected) for _ in event[:2]
    ]
    assert columns["mass"].tolist() == [j["mass"] for event in selected for j in event[:2]]
    np.testing.assert_array_equal(
        columns["phi"], [float(wrap_phi(j["phi"])) for e in selected for j in e[:2]]
    )


@SLOW
@given(data=st.data())
def test_constituents_in_any_layout(data):
    """Jets and subjets of constituents, ``n_jets * var`` and ``n_events * var * var``."""
    momenta_of_jets = {
        "pt": momenta.map(abs),
        "eta": st.floats(-3, 3),
        "phi": st.floats(-7, 7),
        "mass": st.just(0.0),
    }
    array, jets = data.draw(laid_out(momenta_of_jets))
    plain = plain_array(jets, momenta_of_jets)
    n = len(jets)
    counts = np.array([0, n] if data.draw(st.booleans()) else [1] * n, dtype=np.int64)
    pairs = [trim(ak.unflatten(one, counts), r_sub=0.3, f_cut=0.1) for one in (array, plain)]
    assert_equal(*pairs)
    assert ak.num(pairs[0], axis=1).tolist() == counts.tolist()
    own = [{"pt": 300.0 - i, "eta": 0.1, "phi": 0.1, "mass": 5.0} for i in range(n)]
    own = ak.unflatten(ak.flatten(plain_array([own], FIELDS)), counts)
    _, found = find_fat_jets_with_constituents(
        None, own, ak.unflatten(array, counts), FatJetDefinition()
    )
    assert_equal(found, ak.unflatten(plain, counts))
    cartesian = dict.fromkeys(("px", "py", "pz"), momenta) | {"E": st.just(1e4)}
    array, jets = data.draw(laid_out(cartesian))
    plain = plain_array(jets, cartesian)
    assert_equal(kt_subjets(array, 0.4), kt_subjets(plain, 0.4))
    kept = hard_subjet_constituents(array, r_sub=0.4, f_cut=0.1)
    assert kept.tolist() == hard_subjet_constituents(plain, r_sub=0.4, f_cut=0.1).tolist()
    assert ak.num(kept).tolist() == [len(jet) for jet in jets]


FUNCTIONS = {
    "towers": [
        cluster_fat_jets,
        cluster_with_constituents,
        lambda t: event_content(t, t[:, :0], SMALL),
    ],
    "jets": [select_fat_jets, event_variables, jet_columns],
    "constituents": [lambda c: trim(c[np.newaxis]), lambda c: kt_subjets(c, 0.4)],
}
ENTRIES = {"towers": TOWERS, "jets": JETS, "constituents": JETS}
NEEDED = {"towers": ["e", "eta", "phi"], "jets": FIELDS, "constituents": FIELDS}


@given(data=st.data(), kind=st.sampled_from(sorted(FUNCTIONS)))
def test_wrong_arrays_are_refused(data, kind):
    function = data.draw(st.sampled_from(FUNCTIONS[kind]))
    plain = present(data.draw(collections(ENTRIES[kind], data.draw(st.integers(1, 3)))))
    plain[0].append({"pt": 900.0, "e": 900.0, "eta": 0.1, "phi": 0.1, "mass": 9.0, "e_em": 1.0})
    plain[0] = [{name: one[name] for name in ENTRIES[kind]} for one in plain[0]]
    field, how = (
        data.draw(st.sampled_from(NEEDED[kind])),
        data.draw(st.sampled_from(["none", "number", "text", "field"])),
    )
    momentum = "pt" if "pt" in NEEDED[kind] else "e"
    if how == "field":
        plain = [
            [{name: value for name, value in one.items() if name != field} for one in event]
            for event in plain
        ]
    else:
        field = momentum if how == "number" else field
        plain[0][-1][field] = {"none": None, "number": data.draw(damaged_momenta), "text": "1"}[how]
    with pytest.raises(InputError, match=field):
        function(ak.Array(plain))


NO_COLLECTIONS = (
    *(None, 3, "jets", np.zeros(3), np.zeros((2, 2)), {}, [1.0], [[1.0]]),
    ak.Array([1, None]),
)
OF_COLLECTIONS = (
    *(cluster_fat_jets, select_fat_jets, event_variables, jet_columns, trim),
    lambda p: kt_subjets(p, 1.0),
)


@pytest.mark.parametrize("function", OF_COLLECTIONS)
def test_things_that_are_no_collections(function):
    for thing in NO_COLLECTIONS:
        with pytest.raises(InputError):
            function(thing)


@given(
    thing=st.lists(
        st.floats() | st.text(max_size=2) | st.lists(st.floats(), min_size=1, max_size=2),
        min_size=1,
    )
)
def test_lists_that_are_no_collections(thing):
    for function in OF_COLLECTIONS:
        with pytest.raises(InputError):
            function(thing)
