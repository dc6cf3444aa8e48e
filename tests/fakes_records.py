"""Strategies of hypothesis for lists of records in every layout that awkward knows.

A collection is first drawn as plain Python, so that what it means is beyond doubt: a list of
events, each a list of records (dictionaries of numbers); None stands for what is missing. Then it
is laid out.
"""

import awkward as ak
import numpy as np
from hypothesis import strategies as st

JUNK = 1e9  # in places that belong to no list

etas = (
    st.sampled_from([-2.5, 0.0, 2.5, 0.3])
    | st.floats(-4, 4)
    | st.sampled_from([np.nan, np.inf, -np.inf, 999.9])
)
phis = (
    st.sampled_from([-np.pi, np.pi, 0.0])
    | st.floats(-7, 7)
    | st.sampled_from([np.nan, np.inf, 1e6, 1e300])
)
momenta = st.integers(-8, 2000).map(lambda n: n / 8)  # exact in every float type
damaged_momenta = st.sampled_from([np.nan, np.inf, -np.inf, 1e300])
charges = st.sampled_from([-1, 0, 1])


@st.composite
def collections(draw, fields, n_events, *, max_size=5, missing=0.2):
    """Events of records; ``fields`` maps names to strategies. Some events and records are
    missing."""
    record = st.fixed_dictionaries(fields)
    if draw(st.floats(0, 1)) < missing:
        record = record | st.none()
    events = st.lists(record, max_size=max_size)
    if draw(st.floats(0, 1)) < missing:
        events = events | st.none()
    return draw(st.lists(events, min_size=n_events, max_size=n_events))


def present(collection):
    """What a collection means: what is missing is not there."""
    return [[record for record in event or [] if record is not None] for event in collection]


@st.composite
def laid_out_records(draw, collection, dtypes):
    """A collection as an awkward array of some layout; ``dtypes`` maps the fields to their numpy
    types."""
    if draw(st.integers(0, 9)) == 0:
        return (
            _typed(ak.Array(collection), dtypes)
            if any(present(collection))
            else ak.Array(collection)
        )
    records = [record for event in collection for record in event or []]
    content = _records(draw, records, dtypes)
    counts = [len(event or []) for event in collection]
    array = _lists(draw, content, counts)
    array = _optional(draw, array, [event is None for event in collection])
    return ak.Array(_indexed(draw, array))


def _typed(array, dtypes):
    with np.errstate(over="ignore"):
        return _with_types(array, dtypes)


def _with_types(array, dtypes):
    for field, dtype in dtypes.items():
        array = ak.with_field(array, ak.values_astype(array[field], dtype), field)
    return array


def _records(draw, records, dtypes):
    contents = []
    for field, dtype in dtypes.items():
        with np.errstate(over="ignore"):
            column = np.array(
                [0 if record is None else record[field] for record in records], dtype=np.float64
            )
            contents.append(_column(draw, column.astype(dtype)))
    layout = ak.contents.RecordArray(contents, list(dtypes), length=len(records))
    return _optional(draw, layout, [record is None for record in records])


def _column(draw, column):
    kind = draw(st.sampled_from(["plain", "plain", "strided", "indexed", "unmasked", "read-only"]))
    if kind == "strided":
        spread = np.zeros((len(column), 2), column.dtype)
        spread[:, 0] = column
        column = spread[:, 0]
    if kind == "read-only":
        column.flags.writeable = False
    if kind == "indexed":
        index = ak.index.Index64(np.arange(len(column))[::-1].copy())
        return ak.contents.IndexedArray(index, ak.contents.NumpyArray(column[::-1].copy()))
    layout = ak.contents.NumpyArray(column)
    return ak.contents.UnmaskedArray(layout) if kind == "unmasked" else layout


def _lists(draw, content, counts):
    """Lists of the given lengths of the contents, in order."""
    kind = draw(st.sampled_from(["offsets", "offsets32", "shifted", "lists", "regular"]))
    ends = np.cumsum([0, *counts])
    if kind == "regular" and len(set(counts)) == 1 and counts[0] > 0:
        return ak.contents.RegularArray(content, counts[0])
    if kind == "shifted":  # junk before and behind
        order = np.concatenate([np.zeros(2, int), np.arange(len(content)), np.zeros(1, int)])
        content = content._carry(ak.index.Index64(order), True) if len(content) else content
        return ak.contents.ListOffsetArray(ak.index.Index64(ends + 2 * (len(order) > 3)), content)
    if kind == "lists":  # in another order, and one place may belong to several lists
        order = draw(st.permutations(range(len(counts))))
        index, starts = [], np.zeros(len(counts), dtype=np.int64)
        for event in order:
            starts[event] = len(index)
            index += range(ends[event], ends[event + 1])
        content = content._carry(ak.index.Index64(np.array(index, dtype=np.int64)), True)
        stops = starts + np.array(counts, dtype=np.int64)
        return ak.contents.ListArray(ak.index.Index64(starts), ak.index.Index64(stops), content)
    index = (
        ak.index.Index32(ends.astype(np.int32)) if kind == "offsets32" else ak.index.Index64(ends)
    )
    return ak.contents.ListOffsetArray(index, content)


def _optional(draw, layout, missing):
    """Layout of which some elements are missing."""
    missing = np.array(missing, dtype=bool)
    kinds = (
        ["bytes", "bits", "indexed"]
        if missing.any()
        else ["no", "no", "no", "unmasked", "bytes", "bits"]
    )
    kind = draw(st.sampled_from(kinds))
    if kind == "unmasked":
        return ak.contents.UnmaskedArray(layout)
    if kind == "bytes":
        return ak.contents.ByteMaskedArray(
            ak.index.Index8(missing.astype(np.int8)), layout, valid_when=False
        )
    if kind == "bits":
        bits = np.packbits(~missing, bitorder="little")
        return ak.contents.BitMaskedArray(
            ak.index.IndexU8(bits), layout, valid_when=True, length=len(missing), lsb_order=True
        )
    if kind == "indexed":
        index = np.where(missing, -1, np.arange(len(missing)))
        return ak.contents.IndexedOptionArray(ak.index.Index64(index), layout)
    return layout


def _indexed(draw, layout):
    """Layout of events, perhaps behind an index, virtual, or as a union."""
    kind = draw(st.sampled_from(["no", "no", "indexed", "virtual", "union"]))
    if kind == "indexed" and not layout.is_option:
        index = ak.index.Index64(np.arange(len(layout)))
        return ak.contents.IndexedArray(index, layout)
    if kind == "virtual":
        form, length, buffers = ak.to_buffers(layout)
        return ak.from_buffers(
            form, length, {key: (lambda b=b: b) for key, b in buffers.items()}, highlevel=False
        )
    if kind == "union" and len(layout) > 1:
        halves = layout[:1], ak.with_field(ak.Array(layout[1:]), 1, "extra").layout
        return ak.concatenate([ak.Array(half) for half in halves]).layout
    return layout
