"""Event images of collections in any layout, with missing, damaged and wrong entries: right, or an
InputError."""

import os

import awkward as ak
import numpy as np
import pytest
from fakes_records import (
    charges,
    collections,
    damaged_momenta,
    etas,
    laid_out_records,
    momenta,
    phis,
    present,
)
from hypothesis import given
from hypothesis import strategies as st

from calovision.core.errors import InputError
from calovision.images import CHANNELS, build_images, build_sparse_images, builder, kernels
from calovision.images.grid import EtaPhiGrid

GRIDS = [EtaPhiGrid(5, 4), EtaPhiGrid(64, 64), EtaPhiGrid.with_eta_edges((-2.5, 0.1, 3.0), 3)]
FIELDS = {
    "towers": {"eta": etas, "phi": phis, "e_em": momenta, "e_had": momenta},
    "tracks": {"eta": etas, "phi": phis, "pt": momenta},
    "candidates": {"eta": etas, "phi": phis, "pt": momenta, "charge": charges},
}
# few, since the kernels are compiled for every number of channels
CHANNEL_LISTS = [("em", "had_et"), ("charged_pt", "neutral_pt"), ("had_et", "tracks", "track_pt")]
FLOATS = [np.float64, np.float32, np.float16]


def content(record, channel):
    """What a record adds to a channel, in float64."""
    summed = CHANNELS[channel].of_event
    if summed.field is None:
        return 1.0
    if summed.charge is not None:
        return record["pt"] * ((record["charge"] != 0) == (channel == "charged_pt"))
    if not summed.transverse:
        return record[summed.field]
    with np.errstate(over="ignore"):
        return record[summed.field] / np.cosh(record["eta"]) if np.isfinite(record["eta"]) else 0.0


def expected_images(events, grid, channels):
    """Images and overflow by a plain loop over events of collections ``{name: [[record]]}``."""
    n_events = len(next(iter(events.values())))
    images, overflow = (
        np.zeros((n_events, len(channels), grid.n_cells)),
        np.zeros((n_events, len(channels))),
    )
    for c, channel in enumerate(channels):
        for event, records in enumerate(events[CHANNELS[channel].of_event.collection]):
            for record in records:
                cell = int(grid.cell_index(record["eta"], record["phi"]))
                where = images[event, c] if cell >= 0 else overflow[event]
                where[cell if cell >= 0 else c] += content(record, channel)
    return images.reshape(n_events, len(channels), grid.n_eta, grid.n_phi), overflow


def as_stored(event, dtypes):
    """Records after their conversion to the types of an array."""
    with np.errstate(over="ignore"):
        return [
            {name: float(np.dtype(dtypes[name]).type(value)) for name, value in one.items()}
            for one in event
        ]


@st.composite
def drawn_collections(draw, channels, n_events):
    """Collections that the channels need, as awkward arrays of some layout, and what they mean."""
    arrays, meaning = {}, {}
    for name in dict.fromkeys(CHANNELS[channel].of_event.collection for channel in channels):
        fields = dict(FIELDS[name])
        dtype = draw(st.sampled_from(FLOATS))
        dtypes = dict.fromkeys(fields, dtype) | (
            {"charge": draw(st.sampled_from([np.int8, np.float32, np.int64]))}
        )
        plain = draw(collections(fields, n_events))
        arrays[name] = draw(laid_out_records(plain, {field: dtypes[field] for field in fields}))
        meaning[name] = [as_stored(event, dtypes) for event in present(plain)]
    return arrays, meaning


def build(method, arrays, grid, channels, **options):
    """Dense images and overflow, by any of the entry points."""
    arguments = (arrays.get("towers"), arrays.get("tracks"), grid, channels)
    options = {"candidates": arrays.get("candidates"), **options}
    if method == "sparse":
        images, overflow = build_sparse_images(*arguments, **options)
        return images.dense(), overflow
    return build_images(*arguments, **options)


# indices of numpy are checked by itself
IMPLEMENTATIONS = (kernels,) if "NUMBA_BOUNDSCHECK" in os.environ else (kernels, None)


@given(data=st.data())
def test_any_layout_gives_the_images_of_a_plain_loop(data):
    """By the kernels of numba and by numpy, whose images are those of one loop."""
    channels, n_events = data.draw(st.sampled_from(CHANNEL_LISTS)), data.draw(st.integers(0, 4))
    grid, method = (
        data.draw(st.sampled_from(GRIDS)),
        data.draw(st.sampled_from(["dense", "out", "sparse"])),
    )
    arrays, meaning = data.draw(drawn_collections(channels, n_events))
    expected, expected_overflow = expected_images(meaning, grid, channels)
    options = {"threads": data.draw(st.sampled_from([1, 3]))}
    for implementation in IMPLEMENTATIONS:
        if method == "out":
            options["out"] = np.full(expected.shape, np.nan, dtype=np.float32)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(builder, "_kernels", lambda found=implementation: found)
            images, overflow = build(method, arrays, grid, channels, **options)
        assert images.dtype == np.float32
        np.testing.assert_allclose(images, expected, rtol=1e-5, atol=1e-3)
        np.testing.assert_allclose(overflow, expected_overflow, rtol=1e-7, atol=1e-6)


def damage(draw, arrays, meaning, channels):
    """Arrays that are wrong in one way, and what the error says of it."""
    name = draw(st.sampled_from(sorted(arrays)))
    n = len(arrays[name])
    records = [
        (event, i) for event, records in enumerate(meaning[name]) for i in range(len(records))
    ]
    kind = draw(
        st.sampled_from(
            ["length", "no field", "type", "offsets", "number", "none", "text", "object"]
        )
    )
    if kind == "length":
        other = {"candidates": "tracks"}.get(name, "candidates")  # also one that no channel needs
        return arrays | {
            other: ak.Array([[{"eta": 0.0, "phi": 0.0, "pt": 1.0, "charge": 1}]] * (n + 1))
        }, other
    if kind == "object":
        return arrays | {
            name: draw(st.sampled_from([3, "towers", np.zeros(4), {"eta": [1.0]}, [1.0, 2.0]]))
        }, name
    if kind == "offsets" or not records:
        content = ak.contents.RecordArray(
            [ak.contents.NumpyArray(np.zeros(3))] * 4, ["eta", "phi", "pt", "e_had"]
        )
        content = ak.with_field(ak.with_field(ak.Array(content), 0.0, "charge"), 0.0, "e_em").layout
        bad = draw(st.sampled_from([[0, 5], [-1, 2], [2, 1], [0, 2**40]]))
        # all events but the last are empty
        offsets = np.array([bad[0]] * max(n, 1) + bad[1:], dtype=np.int64)
        return arrays | {
            name: ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(offsets), content))
        }, name
    plain = [[dict(record) for record in event] for event in meaning[name]]
    event, i = draw(st.sampled_from(records))
    field = draw(st.sampled_from([c for c in plain[event][i] if c not in ("eta", "phi", "charge")]))
    if not any(
        field == CHANNELS[channel].of_event.field
        for channel in channels
        if CHANNELS[channel].of_event.collection == name
    ):
        field = "phi"  # that every channel needs
    bad = {"number": draw(damaged_momenta), "none": None, "text": "1.0", "type": [1.0]}.get(kind)
    if kind == "number" and field == "phi":
        kind = "none"
    for one in plain if kind == "no field" else ():
        for record in one:
            del record[field]
    if kind != "no field":
        plain[event][i][field] = bad if kind != "none" else None
    return arrays | {name: ak.Array(plain)}, name if field in ("phi", "eta") else field.split(
        "_pt"
    )[0]


@given(data=st.data())
def test_wrong_collections_are_named(data):
    channels, n_events = data.draw(st.sampled_from(CHANNEL_LISTS)), data.draw(st.integers(1, 4))
    arrays, meaning = data.draw(drawn_collections(channels, n_events))
    wrong, what = damage(data.draw, arrays, meaning, channels)
    method = data.draw(st.sampled_from(["dense", "sparse"]))
    with pytest.raises(InputError, match=what):
        build(method, wrong, GRIDS[0], channels, threads=data.draw(st.sampled_from([1, 2])))
