"""Entry of a figure of the report, without what is drawn.

Nothing here loads a package: all jobs of the workflow read the entries.
"""

from dataclasses import dataclass
from operator import attrgetter
from pkgutil import resolve_name
from typing import Any

from calovision.core.errors import InputError


@dataclass(frozen=True)
class ReportFigure:
    """A figure of the report, or one of each event that is shown.

    Attributes
    ----------
    name
        Of the entry, and of the files ``<name>.png`` and ``<name>.pdf``.
    title, caption
        Markdown; the caption is a Jinja template with the values of the texts
        (`calovision.workflow.report.text_values`).
    section
        Name of its section.
    rule
        Rule of the workflow that draws it.
    draw
        Function that returns the matplotlib Figure, ``package.module:function``; only the job that
        draws imports it.
    takes
        Keyword arguments of that function, separated by spaces: names of inputs of the rule's stage
        (`calovision.stages.figures`), or ``argument=input``.
    needs
        What a run must have, an attribute of `calovision.workflow.Analysis`: ``"variations"``,
        ``"reach_samples"``; "" for every run.
    is_numbered
        Whether there is one of each event that is shown (``plots.n_event_displays`` of each kind):
        ``<name>_1``, ``<name>_2``, ...
    is_detail
        Whether it is folded, behind the figures that a reader looks at first; of a numbered one the
        first is not.
    """

    name: str
    title: str
    caption: str
    section: str
    rule: str
    draw: str
    takes: str
    needs: str = ""
    is_numbered: bool = False
    is_detail: bool = False

    @property
    def arguments(self) -> dict[str, str]:
        """Arguments of the function that draws -> inputs."""
        pairs = (word.partition("=") for word in self.takes.split())
        return {argument: source or argument for argument, _, source in pairs}

    @property
    def call(self) -> str:
        """Call that draws it, as text: as a parameter of the rule it draws the figure again."""
        return f"{self.name}: {self.draw}({self.takes})"

    def titles(self, n_events: int) -> dict[str, str]:
        """Titles of its figures by the names of their files, for so many events of each kind."""
        if not self.is_numbered:
            return {self.name: self.title}
        numbers = range(1, n_events + 1)
        return {f"{self.name}_{number}": f"{self.title} {number}" for number in numbers}

    def draw_from(self, inputs: Any) -> Any:
        """Draw from the inputs of the stage, an object with these as attributes; returns a Figure.

        Raises
        ------
        InputError
            If the function cannot be imported, or an input does not exist.
        """
        try:
            function = resolve_name(self.draw)
        except (ImportError, AttributeError, ValueError) as error:
            raise InputError(
                f"figure '{self.name}' of the report: {self.draw} cannot be imported ({error}); "
                "give package.module:function"
            ) from error
        return function(**{name: self._value(inputs, one) for name, one in self.arguments.items()})

    def _value(self, inputs: Any, source: str) -> Any:
        try:
            return attrgetter(source)(inputs)
        except AttributeError:
            known = ", ".join(name for name in vars(inputs) if not name.startswith("_"))
            raise InputError(
                f"figure '{self.name}' of the report: {self.rule} has no input '{source}'; choose "
                f"from {known}"
            ) from None
