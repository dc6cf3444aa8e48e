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
    )
}
