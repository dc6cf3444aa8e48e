"""Errors raised for bad input."""

from calovision.core.text import printable, without_middle

LONGEST = 1000
"""Characters of the sentence of an error."""


class InputError(ValueError):
    """Bad input: one sentence that names the file or key at fault and says what would be right.

    What it quotes may be anything: characters that act are shown as escapes, ends of lines as
    spaces, and of a sentence of more than `LONGEST` characters the middle is left out.
    """

    def __init__(self, sentence: object = "") -> None:
        super().__init__(without_middle(printable(sentence), LONGEST))


class BadFileError(InputError):
    """An unusable input file, which ``on_bad_file="skip"`` leaves out."""


class EntryError(InputError):
    """A number of an event (or jet) that cannot be used.

    Attributes
    ----------
    row
        Index of the event (or jet) in the arrays given.
    field
        Its collection and field, as ``towers.e``.
    problem
        What is wrong, and what would be right: the rest of the sentence.
    """

    def __init__(self, row: int, field: str, problem: str, *, of: str = "event") -> None:
        self.row = row
        self.field = field
        self.problem = problem
        super().__init__(f"{of} {row}: {field} {problem}")

    def at_row(self, row: int) -> "EntryError":
        """Copy for another row: the event of a jet, or the event before a selection."""
        return EntryError(row, self.field, self.problem)


class NotFiniteError(EntryError):
    """An energy or a momentum that is not finite."""

    def __init__(self, row: int, field: str, *, of: str = "event") -> None:
        super().__init__(row, field, "is not finite; give finite energies and momenta", of=of)
