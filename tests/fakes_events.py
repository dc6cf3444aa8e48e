"""Strategies of hypothesis for columns of events in any container, and for what is no column."""

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

ANY_FLOAT = st.floats(width=32) | st.sampled_from(
    [0.0, 1.0, -1.0, 0.5, 2.0, np.nan, np.inf, -np.inf]
)
KINDS = (
    lambda values: values,
    lambda values: values.tolist(),
    lambda values: values[:, None],
    lambda values: torch.tensor(np.array(values, dtype=values.dtype.newbyteorder("="))),
)


def two_columns(values):
    """The values twice, side by side: scores of two networks, but no column."""
    return np.stack([values, values], axis=1)


SPOILT = (
    lambda values: values[None],
    two_columns,
    lambda values: values.astype(str),
    lambda values: values.astype(object),
    lambda values: values + 0j,
    lambda values: np.ma.masked_array(values, np.arange(len(values)) == 0),
    lambda values: [None, *values[1:]],
    lambda values: values[:-1],
    lambda values: None,
    lambda values: "scores",
)


@st.composite
def event_columns(draw, elements=ANY_FLOAT, smallest=0):
    """Columns of scores, labels, weights and a region, of one length."""
    n = draw(st.integers(smallest, 12))
    scores, weights = (
        draw(arrays(draw(st.sampled_from(["f4", "f8"])), n, elements=elements)) for _ in range(2)
    )
    kinds = st.sampled_from(["i1", "u4", "f8", "?"])
    labels, region = (draw(arrays(draw(kinds), n, elements=st.integers(0, 1))) for _ in range(2))
    return [scores, labels, weights, region]
