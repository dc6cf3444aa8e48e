"""The errors that bad input raises."""


class InputError(ValueError):
    """Bad input: one sentence that names the file or key at fault and says what would be right."""


class BadFileError(InputError):
    """An input file that cannot be used, while others may: what `on_bad_file` is about."""


class NotFiniteError(InputError):
    """An energy or a momentum that is not finite.

    Attributes
    ----------
    row
        Index of its event (or jet) in the arrays given.
    field
        Its collection and field, as ``towers.e``.
    """

    def __init__(self, row: int, field: str, *, of: str = "event") -> None:
        self.row, self.field = row, field
        super().__init__(f"{of} {row}: {field} is not finite; give finite energies and momenta")
