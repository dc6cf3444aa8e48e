"""Parts of the identifier of a cell, as its layer, from the text that names its bits.

The text is that of DD4hep: ``system:5,side:-2,layer:9`` (number of bits; one behind the other) or
``layer:19:9`` (first bit, number of bits); a negative number of bits is that of a signed value.
"""


def part_of_identifier(identifier: str, encoding: str, name: str) -> str | None:
    """Formula of a part of an identifier.

    Parameters
    ----------
    identifier
        Formula of the whole.
    encoding
        Text that names the bits.
    name
        The part.

    Returns
    -------
    The formula; None if the text does not name the part, or cannot be read.

    Examples
    --------
    >>> part_of_identifier("hits.cellID", "system:5,layer:9,x:32:-16", "layer")
    '((hits.cellID >> 5) & 511)'
    """
    position = 0
    for text in encoding.split(","):
        own_name, *numbers = text.strip().split(":")
        try:
            *first, n_bits = map(int, numbers)
        except ValueError:
            return None
        position = first[0] if first else position
        if own_name == name:
            return _bits(identifier, position, n_bits)
        position += abs(n_bits)
    return None


def _bits(identifier: str, first: int, n_bits: int) -> str | None:
    """Formula of bits; None for none, for all 64, or for some beyond them."""
    size = abs(n_bits)
    if not (0 < size < 64 and 0 <= first <= 64 - size):
        return None
    value = f"(({identifier} >> {first}) & {2**size - 1})"
    if n_bits > 0:
        return value
    return f"where({value} < {2 ** (size - 1)}, {value}, {value} - {2**size})"
