"""Mutants that change no result, each with the reason; they count neither as killed nor as missed.

The label of a mutant is that of `mutants.trial.label`: its file, and the lines as they become.
"""

EQUAL: dict[str, str] = {}
