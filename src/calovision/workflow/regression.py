"""Regression in a configuration: a target in place of classes, and the comparison of predictions.

It is read where `train.target` names a column (`Configuration.target`).
"""

from itertools import pairwise
from typing import Annotated, Any

from pydantic import Field

from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.jets.variables import VARIABLES
from calovision.workflow.keys import Choices, Number, Section, Truth, Whole, key

TAKEN = ("sum", "boosting", "truth", "fold", "pt", "eta", "phi", "mass", "jet_index")
"""Names in the results of a regression that no model may have."""


class RegressionKeys(Section):
    """Comparison of the predictions of a target (`train.target`)."""

    residual: Annotated[str, Field(strict=True), Choices("relative", "absolute")] = key(
        "relative",
        "Residuals whose bias and resolution are given",
        details="`relative`: prediction / truth - 1, for targets above 0; `absolute`: the "
        "difference, in the unit of the target.",
    )
    n_bins: Whole = key(8, "Bins of the true value, of as many rows", ge=1, le=100)
    edges: tuple[Number, ...] = key(
        (), "Edges of these bins in place of n_bins", details="`[5, 10, 20, 50, 100]`."
    )
    fit: Truth = key(
        False,
        "Fit the resolution by a / sqrt(E), b and c / E in quadrature",
        details="For a target that is an energy.",
    )
    boosting: Truth = key(
        True,
        "Boosted trees as an opponent",
        details="On the sums of the channels, the variables of the package and "
        "`baseline_variables`; beside them stands the calibrated sum of the image.",
    )

    def check(self, configuration: Any) -> None:
        """Raise InputError for keys that nothing reads, edges that are none, and taken names.

        Parameters
        ----------
        configuration
            The `Configuration` that this is a section of.
        """
        if configuration.target is None:
            if self != type(self)():
                raise InputError(
                    "configuration key 'regression': the networks learn classes, so that nothing "
                    "reads it; give train.target, or leave it out"
                )
            return
        if self.edges and (len(self.edges) < 2 or any(b <= a for a, b in pairwise(self.edges))):
            raise InputError(
                f"configuration key 'regression.edges': {list(self.edges)} are no edges; give two "
                "or more, ascending"
            )
        if self.fit and self.residual != "relative":
            raise InputError(
                "configuration key 'regression.fit': the terms are of the relative resolution; "
                "leave residual: absolute out"
            )
        for name in configuration.models:
            if name in TAKEN:
                raise InputError(
                    f"configuration key 'models.{name}': in the results this name is that of "
                    "something else; choose another"
                )


def check_target(configuration: Any) -> None:
    """Raise InputError unless the target is one number a row, the same of all models, and no input
    of any of them.

    Parameters
    ----------
    configuration
        The `Configuration`.
    """
    name = configuration.target
    where = "configuration key 'train.target'"
    own = configuration.own_variables
    known = {**VARIABLES, **own, **configuration.jet_inputs}
    if name not in known:
        raise InputError(
            f"{where}: there is no variable '{name}'{nearest(name, known)}; choose from "
            f"{', '.join(known)}, or define it under variables"
        )
    is_of_jet = configuration.images.is_of_jets and known[name].is_per_jet
    if known[name].shape and not is_of_jet:
        raise InputError(
            f"{where}: '{name}' is several numbers a row, {known[name].shape}; give a variable of "
            "one number"
        )
    if known[name].needs_content and configuration.event_content is None:
        raise InputError(f"{where}: '{name}' needs event_content; set it, or give another variable")
    for model, options in configuration.models.items():
        _check_model(configuration, model, options, name)
    _check_inputs(configuration, "baseline_variables", configuration.baseline_variables, name)


def _check_model(configuration: Any, model: str, options: Any, name: str) -> None:
    if options.target != name:
        raise InputError(
            f"configuration key 'models.{model}.target': it is {options.target!r}, but "
            f"train.target is '{name}'; all models of a run learn one target"
        )
    for key_name in ("class_weights", "flat_like"):
        if getattr(options, key_name):
            raise InputError(
                f"configuration key 'models.{model}.{key_name}': it is of classes, but the "
                f"networks learn the target '{name}'; leave it out"
            )
    if len(options.flat_in) > 1:
        raise InputError(
            f"configuration key 'models.{model}.flat_in': give one variable, as the target "
            f"'{name}', in which the weights of the loss are flat"
        )
    _check_inputs(configuration, f"models.{model}.variables", options.variables, name)


def _check_inputs(configuration: Any, where: str, names: Any, target: str) -> None:
    """Raise InputError if an input is the target, or computed from it."""
    own = configuration.own_variables
    for one in names:
        if target in _needed(one, own):
            what = "the target" if one == target else f"computed from the target '{target}'"
            raise InputError(
                f"configuration key '{where}': '{one}' is {what}, which would be copied; leave it "
                "out"
            )


def _needed(name: str, own: Any) -> set[str]:
    """A variable, and those that its formula and theirs name, of the package and of ``own``."""
    if name not in own:
        return {name}
    from calovision.selection.formulas import names_in_formula, needed_variables

    needed = needed_variables([name], own)
    return {*needed, *(part.base for one in needed for part in names_in_formula(own[one]))}
