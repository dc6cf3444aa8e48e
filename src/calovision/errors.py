"""The one error that bad input raises."""


class InputError(ValueError):
    """Bad input: one sentence that names the file or key at fault and says what would be right."""
