"""Input that nobody should write, and what may come of it: the right result, or one sentence."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from calovision.core.errors import LONGEST, InputError
from calovision.core.text import printable

LEAKS = ("Traceback", " object at 0x", "<class '", "<function ", "Errno", "errors.pydantic.dev")
"""Parts of sentences that show what is inside the program."""

TEXTS = (
    *("", " ", "\n", "a\nb", "\x00", "\x1b[31mred", "\u202egpj", "\ud800", "ü", "字", "💥" * 40),
    *("None", "null", "true", "nan", "-inf", "1e999", "0x10", "1_000", "٣", "9" * 5000, "x" * 6000),
    *("../../x", "/etc/passwd", "~", "~nobody/x", "$HOME", "${HOME", "$(id)", "{x}", "{0}", "%s%n"),
    *("https://x.invalid/a.root", "root://x.invalid//a", "file:///etc/passwd", "a:b", "a.root:t"),
    *("ht", "ht > 0", "cnn", "em", "*", "**", "[", "a.b.c", "os:system", "calovision:Grid", "-x"),
    *("__class__", "ht.__class__", "__import__('os')", "{{7*7}}", "<script>", "$\\frac{a}$", "$x$"),
    *("!!python/name:os.system", "&a", "*a", "a" * 255, "A b", "model_config", "__dict__", "copy"),
)
"""Texts that mean something to a shell, Python, YAML, a terminal, a page, or to this package."""

NUMBERS = (
    *(0, 1, -1, 2, 3, 7, 100, 255, 256, 65536, 2**31 - 1, 2**31, 2**53 + 1, 2**63, -(2**63), 2**64),
    *(10**30, 10**400, 0.0, -0.0, 0.5, 1.5, 1e-300, 5e-324, 1e300, -1e300),
    *(float("nan"), float("inf"), -float("inf")),
)

scalars = st.sampled_from([None, True, False, *NUMBERS, *TEXTS]) | st.text(max_size=8)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(TEXTS) | st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
) | st.sampled_from([[], {}, [[]], [{}], {"": {}}, list(range(300)), ["em"] * 3])
"""Anything that a file of keys can hold."""


def cases(number: int) -> settings:
    """So many cases, where a profile does not want thousands, as that of `make fuzz`."""
    wanted = settings.default.max_examples
    return settings(max_examples=wanted if wanted > 1000 else number)


def right_or_refused(function: Callable, *arguments: Any, **options: Any) -> Any:
    """Result of a call, or the sentence with which it refuses what it got; no other error."""
    try:
        return function(*arguments, **options)
    except InputError as error:
        assert_is_sentence(str(error))
        return error


def assert_is_sentence(sentence: str) -> None:
    """One line of readable length, which shows nothing of the program."""
    assert printable(sentence) == sentence, sentence
    assert 10 < len(sentence) <= LONGEST, (len(sentence), sentence)
    assert not any(leak in sentence for leak in LEAKS), sentence


WATCHED = ("os", "subprocess", "socket", "pickle", "ctypes", "shutil", "tempfile", "webbrowser")
_ALLOWED = ("os.listdir", "os.scandir", "os.walk", "os.putenv", "os.unsetenv")


class Witness:
    """What Python reports of files that are written, and of processes, while it watches."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        self.is_watching = False
        sys.addaudithook(self._report)  # cannot be taken away again

    def _report(self, event: str, arguments: tuple) -> None:
        if not self.is_watching or event in _ALLOWED:
            return
        is_written = event == "open" and set(str(arguments[1])) & set("wax+")
        if is_written or event.split(".")[0] in WATCHED:
            self.seen.append((event, str(arguments)[:200]))

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Let nothing be written or run inside."""
        self.is_watching = True
        try:
            yield
        finally:
            self.is_watching = False
            seen, self.seen = self.seen, []
        assert seen == []


def mutated(draw: Callable, content: Any, foreign: Any = None, other: Any = values) -> Any:
    """Copy of plain values of which one, at any depth, is another, gone, doubled or renamed.

    Parameters
    ----------
    draw
        Of a composite strategy.
    content
        Mappings, lists and scalars.
    foreign
        Values by key that may come from elsewhere.
    other
        Strategy of values that take the place of one.
    """
    if isinstance(content, dict) and content and draw(st.integers(0, 9)):
        name = draw(st.sampled_from(sorted(content)))
        if draw(st.integers(0, 2)):
            return {**content, name: mutated(draw, content[name], foreign, other)}
        rest = {key: one for key, one in content.items() if key != name}
        new = draw(st.sampled_from(["gone", "named", "more", "misspelt"]))
        if new == "gone":
            return rest
        if new == "misspelt":
            return {**rest, draw(st.sampled_from([name[:-1], f"{name}s", name.upper()])): 1}
        key = draw(st.sampled_from(TEXTS) | st.sampled_from(sorted(foreign or content)))
        return {**(rest if new == "named" else content), key: content[name]}
    if isinstance(content, list) and content and draw(st.integers(0, 4)):
        position = draw(st.integers(0, len(content) - 1))
        new = mutated(draw, content[position], foreign, other)
        how = draw(st.sampled_from(["other", "gone", "twice"]))
        middle = {"other": [new], "gone": [], "twice": [new, content[position]]}[how]
        return [*content[:position], *middle, *content[position + 1 :]]
    return draw(of_its_kind(content) | other)


def of_its_kind(value: Any) -> Any:
    """Strategy of values of the type of another."""
    if isinstance(value, bool) or value is None:
        return st.sampled_from([True, False, None])
    if isinstance(value, int | float):
        near = [-value, value + 1, value // 2, 0.5, 10 * value, str(value)]
        return st.sampled_from([*NUMBERS, *near])
    if isinstance(value, str):
        return st.sampled_from([*TEXTS, value[:-1], f"{value}x", value.upper(), value * 30])
    return st.sampled_from([value, [value], {"a": value}, list(value) * 3])


def folder_is_empty(folder: Path) -> bool:
    """Nothing was left in a folder."""
    return not any(folder.iterdir())
