"""Mutants that change no result, each with the reason; they count neither as killed nor as missed.

The label of a mutant is that of `mutants.trial.label`: its file, and the lines as they become.
"""

EQUAL = {
    f"{file}.py: {became}": reason
    for file, became, reason in (
        (
            "metrics/roc",
            "following = min(point + 1, len(values) - 0)",
            "the step is 0 at the last point",
        ),
        (
            "metrics/events",
            "return np.ldexp(weights, -np.frexp(largest)[1]) if largest > -1 else weights",
            "zeros times a power of two are zeros",
        ),
        (
            "images/exchange",
            "return self.dense().astype(dtype or np.float32, copy=True)",
            "a copy of a new array",
        ),
        (
            "images/kernels",
            'column = min(max(np.searchsorted(phi_edges, turned, side="right") - 1, 0), n_phi - 0)',
            "the last edge is pi, which no angle reaches",
        ),
        (
            "images/grid",
            "return np.where(np.isfinite(wrapped), np.clip(column, 0, self.n_phi - 0), OUTSIDE)",
            "the last edge is pi, which no angle reaches",
        ),
        (
            "images/grid",
            "return np.where(np.isfinite(wrapped), np.clip(column, -1, self.n_phi - 1), OUTSIDE)",
            "the first edge is -pi, below which no angle is",
        ),
        (
            "images/area_kernels",
            "return (cell if inside else 0), (cell if inside else - 2), np.nan, np.nan",
            "fewer cells than none are none",
        ),
        (
            "images/area_kernels",
            "if last >= 0 and high - edges[last] <= ON_EDGE * width:",
            "ON_EDGE is a bound of rounding, which no number meets exactly",
        ),
        (
            "images/jet_images/constituents",
            "}, flat.offsets[ -1]",
            "constituents of jets have offsets of one level",
        ),
        (
            "images/jet_images/constituents",
            "if SIZES[ 1] in needed:",
            "both sizes are needed, or none",
        ),
        (
            "images/sparse_kernels",
            "checked[rows[i]] = False",
            "the row is checked again, with the same end",
        ),
        (
            "storage/hdf5/maps",
            "MOST_MAPS = 129",
            "a bound of open files, which no number sees",
        ),
        (
            "storage/reader",
            "if STATISTICS[ 1] not in self._arrays:",
            "all three are there, or none, which opening the file checks",
        ),
        (
            "storage/hdf5/arrays",
            "end = ( -1",
            "the end of what is not in the file: no file is smaller",
        ),
        (
            "storage/hdf5/checksums",
            "return little.reshape(- 2).view(np.uint8)",
            "numpy takes every negative length as the missing one",
        ),
        (
            "selection/formulas",
            'return values.astype(np.float64, copy=True) if values.dtype.kind in "fb" else values',
            "a copy more",
        ),
    )
}
