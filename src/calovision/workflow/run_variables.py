"""Variables of the user's own that each job of a run needs, and the tables that hold them."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from calovision.jets.variables import VARIABLES, Variable
from calovision.workflow.configuration import Configuration
from calovision.workflow.results import Results, fill

COMPARISON = "comparison"
BASELINES = "baselines"
INPUT_OF = "input_of_"
"""Purposes of tables of variables; the last one begins that of the variables of a model."""


def input_of(model: str) -> str:
    """Purpose of variables that a model takes."""
    return f"{INPUT_OF}{model}"


class RunVariables:
    """Variables of a run, by the facts of its `calovision.workflow.analysis.Analysis`.

    Attributes
    ----------
    configuration, models, robustness_models, results, chunks
        As of `Analysis`.
    """

    configuration: Configuration
    models: Mapping[str, Any]
    robustness_models: list[str]
    results: Results
    chunks: Mapping[str, Mapping[str, Any]]

    @cached_property
    def own_variables(self) -> dict[str, Variable]:
        """Variables of the user's own by name."""
        return self.configuration.own_variables

    @cached_property
    def variables(self) -> dict[str, Variable]:
        """All variables by name: those of the package, then the user's own."""
        return {**VARIABLES, **self.own_variables}

    def needed_variables(self, names: Iterable[str]) -> dict[str, Variable]:
        """Those of the user's own among the names, and the ones that they are computed from."""
        if not self.own_variables:
            return {}
        from calovision.selection.formulas import needed_variables

        needed = needed_variables(names, self.own_variables)
        return {name: self.own_variables[name] for name in needed}

    def variables_of_cuts(self, *cuts: str) -> dict[str, Variable]:
        """Those of the user's own that cuts use, and the ones that they are computed from."""
        if not self.own_variables:
            return {}
        from calovision.selection import variables_of

        return self.needed_variables(variables_of({cut: cut for cut in cuts}))

    @cached_property
    def image_variables(self) -> dict[str, Variable]:
        """Those of the user's own that the preselection, cuts on jets, or masks of runs need:
        columns of the image files.
        """
        cuts = self.configuration.selection.preselection, self.configuration.images.jets.selection
        of_cuts = self.variables_of_cuts(*(cut for some in cuts for cut in some.values()))
        masks = [self.configuration.images.mask]
        masks += [one.mask for one in self.configuration.robustness.variations.values()]
        # that of the run is a column if a mask may need it
        return of_cuts | self.needed_variables(["run"] if any(masks) else [])

    @cached_property
    def varied_image_variables(self) -> dict[str, Variable]:
        """Those of the user's own that are columns of varied image files."""
        inputs = [name for model in self.robustness_models for name in self.models[model].variables]
        region = self.configuration.selection.signal_region
        return self.image_variables | self.variables_of_cuts(region) | self.needed_variables(inputs)

    def variables_for(self, purpose: str) -> dict[str, Variable]:
        """Those of the user's own that jobs of a purpose may use.

        Parameters
        ----------
        purpose
            `COMPARISON`, which has all of them; `BASELINES`, or that of a model (`input_of`), which
            have their inputs, so that another variable fits none of them again.
        """
        if purpose == COMPARISON:
            return self.own_variables
        if purpose == BASELINES:
            return self.needed_variables(self.configuration.baseline_variables)
        model = self.models[purpose.removeprefix(INPUT_OF)]
        target = () if model.target is None else (model.target,)
        return self.needed_variables((*model.variables, *model.flat_in, *target))

    def tabulated_variables(self, purpose: str) -> dict[str, Variable]:
        """Those of them that are read from branches after the images are made."""
        return {
            name: one
            for name, one in self.variables_for(purpose).items()
            if one.branch is not None and name not in self.image_variables
        }

    @cached_property
    def purposes(self) -> list[str]:
        """Purposes with tables of variables."""
        every = (COMPARISON, BASELINES, *map(input_of, self.models))
        return [purpose for purpose in every if self.tabulated_variables(purpose)]

    def variable_lists(self, purpose: str) -> list[Path]:
        """List of the tables of a purpose for the samples of the training; none without tables."""
        is_there = purpose in self.purposes
        return [fill(self.results.variable_list, purpose=purpose)] if is_there else []

    def variable_files(self, purpose: str, *samples: str) -> list[Path]:
        """Tables of a purpose beside the image files of samples, in their order."""
        if purpose not in self.purposes:
            return []
        return [
            fill(self.results.variables, purpose=purpose, sample=name, chunk=chunk)
            for name in samples
            for chunk in self.chunks[name]
        ]
