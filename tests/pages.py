"""Blocks of code of the README and of the pages of the documentation."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
BLOCK = re.compile(
    r"(?:<!-- (?P<note>[^\n]*?) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)```", re.DOTALL
)


def blocks(language, page="README.md"):
    """Blocks of a page in a language: text, and the comment in front of it."""
    found = BLOCK.finditer((REPOSITORY / page).read_text())
    return [(one["text"], one["note"] or "") for one in found if one["language"] == language]


def block(language, words, page):
    """The block of a page that has these words."""
    (text,) = (text for text, _ in blocks(language, page) if words in text)
    return text


def split_at(words, signs):
    """Commands of a line."""
    found = [[]]
    for word in words:
        if word in signs:
            found.append([])
        else:
            found[-1].append(word)
    return [one for one in found if one]
