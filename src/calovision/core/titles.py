r"""Text that others wrote in figures: titles of samples and classes, names of models, cuts and
channels.

Between two dollars matplotlib reads a formula, ``$t\bar{t}$``. What it cannot set would end a job
that draws, after hours of training: `check_titles` finds it before, and `shown` writes it as it is.
"""

import re
import textwrap
from collections.abc import Mapping

from calovision.core.errors import InputError
from calovision.core.formulas import plain
from calovision.core.text import printable

LATIN = 0x17F  # last letter of those that every font has
FALLBACK = "DejaVu Sans"  # the font of matplotlib, for letters that the others lack
DOLLAR = re.compile(r"(?<!\\)\$")


def check_titles(titles: Mapping[str, str]) -> None:
    """Raise InputError for the first title that is empty or that matplotlib cannot set: its formula
    or a letter.

    Parameters
    ----------
    titles
        Where the title is from, such as ``samples.qcd.title`` -> title.
    """
    for key, title in titles.items():
        if not str(title).strip():
            raise InputError(f"'{key}': the title is empty; give one, or leave the key out")
        reason = _fault(title)
        if reason:
            raise InputError(
                f"'{key}': {title!r} holds a formula that matplotlib cannot set ({reason}); "
                "correct what is between "
                r"the dollars, or write \$ for a dollar"
            )
        if missing := _without_glyph(title):
            letters = ", ".join(map(repr, missing))
            raise InputError(
                f"'{key}': no font of the figures has {letters} of the title {printable(title)!r}; "
                "give a title in other letters"
            )


def shown(text: object) -> str:
    """Text for matplotlib in one line: its formulas if all can be set, else every character as it
    is.
    """
    text = printable(text)
    if not DOLLAR.search(text) or (len(DOLLAR.findall(text)) % 2 == 0 and not _fault(text)):
        return text
    return DOLLAR.sub(r"\\$", text)


def in_words(text: object) -> str:
    """As `shown`, for what sets no formulas, as pages and tables: their characters."""
    parts = re.split(r"(?<!\\)\$", shown(text))
    return "".join(
        plain(part) if number % 2 else part.replace(r"\$", "$") for number, part in enumerate(parts)
    )


def wrapped(text: object, length: int) -> str:
    """As `shown`, in lines of about so many characters; a title with a formula stays in one."""
    text = shown(text)
    return text if "$" in text else textwrap.fill(text, length, break_on_hyphens=False)


def entry(text: object) -> str:
    """As `shown`, for a legend: matplotlib leaves out what begins with an underscore, `styled`
    takes the blank away.
    """
    text = shown(text)
    return f" {text}" if text.startswith("_") else text


def _without_glyph(text: str) -> list[str]:
    """Characters of a text for which no figure has a glyph, sorted."""
    letters = {letter for letter in printable(text) if ord(letter) > LATIN}
    if not letters:
        return []
    from matplotlib.font_manager import findfont, get_font

    return sorted(
        letter
        for letter in letters
        if ord(letter) not in get_font(findfont(FALLBACK)).get_charmap()
    )


def _fault(text: str) -> str | None:
    """Matplotlib's message for a formula that it cannot set; None for any other text."""
    if len(DOLLAR.findall(text)) < 2:
        return None
    from matplotlib.cbook import is_math_text
    from matplotlib.mathtext import MathTextParser

    if not is_math_text(text):
        return None
    try:
        MathTextParser("path").parse(text)
    except ValueError as error:
        return str(error).splitlines()[-1]
    return None
