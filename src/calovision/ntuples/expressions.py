"""Quantities as expressions of branches (`calovision.expressions`): ``cl_e / 1000``, ``FatJet.Tau[5][0]``.

``[i]`` behind the name of a branch takes a component, unless the whole is the name of a branch.
"""

from collections.abc import Mapping

import numpy as np

from calovision.expressions import parse
from calovision.expressions.nodes import Name


def names_in(expression: str) -> tuple[str, ...]:
    """Names of an expression, each once, in their order."""
    return parse(expression, "schema").names


def branch_and_component(name: str, present: set[str]) -> tuple[str, int | None]:
    """Split ``FatJet.Tau[5][0]`` into the branch and the component, unless the whole is the name of a branch."""
    head, bracket, index = name.removesuffix("]").rpartition("[")
    if name in present or not bracket or not index.isdecimal():
        return name, None
    return head, int(index)


def is_name(expression: str) -> bool:
    """A mere name."""
    return isinstance(parse(expression, "schema").tree, Name)


def evaluate(expression: str, values: Mapping[str, np.ndarray], where: str) -> np.ndarray:
    """Evaluate an expression of arrays ``(m,)``, or of what broadcasts to it (`Expression.evaluate`)."""
    return parse(expression, where).evaluate(values, where)
