r"""Text of others (names, titles, messages, paths) without characters that act on a terminal.

A terminal obeys control characters, characters of direction turn the words beside them around, and
a surrogate (a byte of a file's name that is no UTF-8) can be written nowhere. All are shown as
Python writes them: ``\x1b``, ``\u202e``.
"""

import unicodedata
from reprlib import Repr

ACTING = (
    "Cc",
    "Cf",
    "Cs",
    "Zl",
    "Zp",
)  # Unicode categories: control, format, surrogates, separators of lines
JOINERS = "\u200c\u200d"  # of the category Cf; scripts and emoji need them
SPACES = "\t\n\v\f\r"


def printable(text: object, *, lines: bool = False) -> str:
    r"""Text with characters that act written as escapes.

    Parameters
    ----------
    text
        Anything; what is no text is converted by ``str``.
    lines
        Keep tabs and ends of lines, which otherwise become spaces.
    """
    text = str(text)
    return text if text.isprintable() else "".join(_shown(character, lines) for character in text)


def shortened(value: object, length: int = 80) -> str:
    """Text of a value of somebody else for a sentence: its beginning if it is longer."""
    text = str(value)
    return text if len(text) <= length else f"{text[: length - 3]}..."


def _shown(character: str, lines: bool) -> str:
    """A character, or what is written in its place."""
    if character in SPACES:
        return character if lines and character in "\t\n" else " "
    if unicodedata.category(character) in ACTING and character not in JOINERS:
        return repr(character)[1:-1] if not character.isprintable() else character
    return character


def without_middle(text: str, length: int) -> str:
    """Text of at most a number of characters: its beginning and its end, with dots between."""
    if len(text) <= length:
        return text
    end = length // 3
    return f"{text[: length - end - 5]} ... {text[len(text) - end :]}"


_REPR = Repr()
_REPR.maxlong, _REPR.maxlevel, _REPR.maxstring, _REPR.maxother = 60, 4, 80, 80
_REPR.maxlist = _REPR.maxtuple = _REPR.maxdict = 6


def shown(value: object) -> str:
    """A value of a user as Python writes it, shortened: of a few hundred characters at most."""
    return without_middle(_REPR.repr(value), 150)
