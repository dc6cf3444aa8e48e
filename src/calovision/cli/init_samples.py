"""Samples of ``calovision init`` as the options name them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

from calovision.core.errors import InputError
from calovision.core.registry import nearest

MANY = ("--signal", "--background", "--class", "--data")
"""Options behind which several paths may stand, as the shell writes out a wildcard."""

LABELS = {"signal": 1, "background": 0, "data": None}
"""Option -> label of its samples; that of ``--class`` is the name."""

ROWS = "rows"
"""Sample of the files whose rows are of several classes."""

_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]*)=(.+)", re.DOTALL)


@dataclass(frozen=True)
class GivenSample:
    """Sample as the options name it.

    Attributes
    ----------
    label
        Number or name of its class, or expressions by class; None for data.
    paths
        Of its files, as they were given.
    cross_section_pb
        None if there is none.
    """

    label: int | str | Mapping[str, str] | None
    paths: tuple[str, ...]
    cross_section_pb: float | None = None


def repeated_options(words: Iterable[str]) -> list[str]:
    """Command line in which each path has its option, and the name that the first one gave.

    ``--class top=a.root b.root`` becomes ``--class top=a.root --class top=b.root``.
    """
    found: list[str] = []
    option = name = ""
    for word in words:
        if word.startswith("-"):
            start, sign, value = word.partition("=")
            option, name = (start, "") if start in MANY else ("", "")
            if not (option and sign):
                found += [] if option else [word]
                continue
            word = value
        if not option:
            found.append(word)
            continue
        own, path = split_name(word)
        name = own or name
        found += [option, f"{name}={path}" if name else path]
    return found + [option] * (bool(option) and found[-2:-1] != [option])


def split_name(text: str) -> tuple[str, str]:
    """Name and path of ``NAME=PATH``; no name if a file is called so."""
    match = _NAMED.fullmatch(text)
    return ("", text) if match is None or Path(text).exists() else (match[1], match[2])


def given_samples(
    options: Mapping[str, Sequence[str] | None], *, rows: Sequence[str], labels: Sequence[str]
) -> dict[str, GivenSample]:
    """Samples by name.

    Parameters
    ----------
    options
        Values of ``signal``, ``background``, ``class`` and ``data``, each a path with or without a
        name before it.
    rows, labels
        Files whose rows are of several classes, and ``NAME=EXPR`` for each of these.

    Raises
    ------
    InputError
        If a name is missing, or stands for samples of two classes.
    """
    found: dict[str, GivenSample] = {}
    for option, texts in options.items():
        for text in texts or ():
            name, path = split_name(text)
            if option == "class" and not name:
                raise InputError(f"--class '{text}': give NAME=PATH, the class and its files")
            label = name if option == "class" else LABELS[option]
            _add(found, name or option, GivenSample(label, (path,)))
    if rows or labels:
        _add(found, ROWS, GivenSample(_expressions(rows, labels), tuple(rows)))
    return found


def _add(found: dict[str, GivenSample], name: str, sample: GivenSample) -> None:
    """Add a sample, or further paths of one with the same label."""
    known = found.setdefault(name, replace(sample, paths=()))
    if known.label != sample.label:
        raise InputError(f"sample '{name}': it is given twice, as two kinds; name one otherwise")
    found[name] = replace(known, paths=(*known.paths, *sample.paths))


def _expressions(rows: Sequence[str], labels: Sequence[str]) -> dict[str, str]:
    """Expressions by class, of files whose rows are of several."""
    if not labels:
        raise InputError(
            f"{rows[0]}: say what the files are, with --signal and --background, --class NAME=PATH "
            "once for each class, or --label NAME=EXPR where a branch tells the classes of their "
            "rows"
        )
    if not rows:
        raise InputError("--label: it is for files without an option, behind DIRECTORY; give them")
    found: dict[str, str] = {}
    for text in labels:
        match = _NAMED.fullmatch(text)
        if match is None or match[1] in found:
            raise InputError(
                f"--label '{text}': give NAME=EXPR, the class and an expression on branches, once "
                "for each class"
            )
        found[match[1]] = match[2]
    return found


def check_classes(samples: Mapping[str, GivenSample], *, are_jets: bool) -> None:
    """Raise InputError unless there are two classes or more that can be told apart, or no samples,
    which stands for the example.
    """
    labels = [one.label for one in samples.values() if one.label is not None]
    numbers = {one for one in labels if isinstance(one, int)}
    names = classes_of(samples)
    if not samples:
        if are_jets:
            raise InputError("--jets: it is for files; give --class NAME=PATH once for each class")
    elif numbers and names:
        raise InputError("--signal and --background: give them, or classes by --class and --label")
    elif numbers and numbers != {0, 1}:
        missing = "--background" if numbers == {1} else "--signal"
        raise InputError(f"{missing}: it is missing; give the files of signal and background")
    elif not numbers and len(names) < 2:
        raise InputError("give files of two classes: --signal and --background, or two --class")


def classes_of(samples: Mapping[str, GivenSample]) -> list[str]:
    """Names of the classes, in their order; none for background and signal."""
    found: list[str] = []
    for one in samples.values():
        if isinstance(one.label, str):
            found.append(one.label)
        elif isinstance(one.label, Mapping):
            found += one.label
    return list(dict.fromkeys(found))


def with_cross_sections(
    samples: Mapping[str, GivenSample], texts: Iterable[str]
) -> dict[str, GivenSample]:
    """Samples with the cross-sections of ``SAMPLE=PB``.

    Raises
    ------
    InputError
        If one is not a number above 0, or of no sample.
    """
    found = dict(samples)
    for text in texts:
        name, _, value = text.partition("=")
        if name not in samples:
            known = f"; the samples are {', '.join(samples)}" if samples else ""
            raise InputError(
                f"--cross-section '{text}': there is no sample '{name}'"
                f"{nearest(name, list(samples))}{known}"
            )
        try:
            number = float(value)
        except ValueError:
            number = 0.0
        if not (isfinite(number) and number > 0):
            raise InputError(f"--cross-section '{text}': give SAMPLE=PB, a number above 0, in pb")
        found[name] = replace(found[name], cross_section_pb=number)
    return found
