"""Configurations as YAML, each key with its meaning as a comment: the laptop example, which
config/config.yaml shows, and those of new analyses.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import yaml

from calovision.core.user_files import UserLoader
from calovision.workflow.configuration import Configuration
from calovision.workflow.schema import SchemaKeys

WIDTH = 100
COLUMN = 32
"""Column in which comments begin."""

HEAD = """\
# The laptop example: RPV gluinos against QCD multijets, generated with Pythia 8 in minutes.
# Another analysis: `snakemake --configfile my.yaml`; my.yaml holds only what differs from this
# file, except that `samples`, `models`, `selection.preselection` and `robustness.variations`
# replace the ones here as a whole; with samples or split.fractions of its own it has no folds
# unless it says so. docs/configuration.md says more of every key.
# Written by `make reference` from src/calovision/workflow/, where the keys are defined.
"""

NOTES = {
    "samples.rpv_1400_850.cross_section_pb": "pb, NLO+NLL (physics case: arXiv:1711.03573)",
    "samples.qcd.cross_section_pb": "pb, Pythia 8 leading order: the sum of the slices JZ4 to JZ7",
}
"""Comments on values of the example, in place of the meaning of the key."""


@dataclass(frozen=True)
class ToFill:
    """Value that the user has to give: its key is a comment, with an example and a note on it."""

    example: Any
    note: str


def example_yaml() -> str:
    """Text of the example."""
    return commented_yaml(Configuration().to_dict(), HEAD, NOTES)


def commented_yaml(values: Mapping[str, Any], head: str, notes: Mapping[str, str]) -> str:
    """Text of a configuration.

    Parameters
    ----------
    values
        Plain values by key, in the order in which they are written; `ToFill` for some.
    head
        Comment at the top.
    notes
        Comments on some values, by ``section.key``, in place of the meaning of the key.
    """
    writer = _Writer(SchemaKeys(), notes)
    return f"{head}\n" + "\n".join(writer.section(writer.schema.top, values, ())) + "\n"


@dataclass(frozen=True)
class _Writer:
    """Lines of sections, with the meanings of a schema and notes in place of some of them."""

    schema: SchemaKeys
    notes: Mapping[str, str]

    def section(
        self, keys: Mapping[str, Any], values: Mapping[str, Any], path: tuple[str, ...]
    ) -> Iterator[str]:
        """Lines of a section: those of its keys, and of the sections below it."""
        indent = "  " * len(path)
        for name, value in values.items():
            key = keys[name]
            here = (*path, name)
            comment = self.notes.get(".".join(here), _comment(key, value))
            is_section = bool(value) and isinstance(value, Mapping)
            if not path and (is_section or isinstance(value, list)):
                yield ""
            if is_section and self.schema.below(key):
                yield from _commented(f"{indent}{name}:", comment)
                yield from self.section(self.schema.below(key), value, here)
            elif is_section:
                yield from _commented(f"{indent}{name}:", comment)
                yield from self._entries(self.schema.of_entries(key), value, here)
            elif isinstance(value, ToFill):
                yield from _value(f"{indent}# {name}:", value.example, value.note)
            else:
                yield from _value(f"{indent}{name}:", value, comment)

    def _entries(
        self, keys: Mapping[str, Any], values: Mapping[str, Any], path: tuple[str, ...]
    ) -> Iterator[str]:
        """Lines of entries that have names of the user's; the first one explains its keys, if they
        are known.
        """
        indent = "  " * len(path)
        are_short = not keys or all(
            not isinstance(value, Mapping) or len(value) < 2 for value in values.values()
        )
        if are_short and keys.keys() != self.schema.below(self.schema.top["train"]).keys():
            for name, key in keys.items():
                yield from _commented("", f"{name}: {_comment(key, None)}")
        for name, value in values.items():
            if are_short or not value:
                yield f"{indent}{flow_yaml(name)}: {flow_yaml(value)}"
            else:
                yield f"{indent}{flow_yaml(name)}:"
                yield from self.section(keys, value, (*path, name))
                explained = set(value)
                keys = {
                    key: one | {"description": ""} if key in explained else one
                    for key, one in keys.items()
                }


def _value(start: str, value: Any, comment: str) -> Iterator[str]:
    """Lines of a key with a value: in one line, as a list, or as folded text if it is long and
    nothing but single spaces is lost where lines end.
    """
    text = flow_yaml(value)
    indent = " " * (len(start) - len(start.lstrip()) + 2)
    is_long = len(start) + len(text) >= WIDTH // 2
    if is_long and isinstance(value, list):
        yield from _commented(start, comment)
        yield from (f"{indent}- {flow_yaml(one)}" for one in value)
        return
    lines = []
    if is_long and isinstance(value, str):
        width = WIDTH - 10 - len(indent)
        lines = wrap(value, width, break_long_words=False, break_on_hyphens=False)
    if lines and " ".join(lines) == value and value.isprintable():
        yield from _commented(f"{start} >-", comment)
        yield from (f"{indent}{line}" for line in lines)
    else:
        yield from _commented(f"{start} {text}", comment)


class _Dumper(yaml.SafeDumper):
    """The safe dumper of PyYAML, which quotes what it or `UserLoader` would not read as text."""


_Dumper.yaml_implicit_resolvers = {
    first: UserLoader.yaml_implicit_resolvers.get(first, []) + entries
    for first, entries in yaml.SafeDumper.yaml_implicit_resolvers.items()
}


def flow_yaml(value: Any) -> str:
    """A value in one line of YAML."""
    text = yaml.dump(
        value,
        Dumper=_Dumper,
        default_flow_style=True,
        width=10**6,
        allow_unicode=True,
        sort_keys=False,
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _commented(line: str, comment: str) -> Iterator[str]:
    """A line with a comment behind it, which goes on below if it is long."""
    start = f"{line} " if len(line) >= COLUMN else line.ljust(COLUMN)
    first, *others = wrap(comment, WIDTH - len(start) - 2) or [""]
    yield f"{start}# {first}" if comment else line
    rest = wrap(" ".join(others), WIDTH - COLUMN - 2)
    yield from (f"{'':{COLUMN}}# {text}" for text in rest)


def _comment(key: Mapping[str, Any], value: Any) -> str:
    """Meaning of a key, with other choices than its value and the unit; empty if said above."""
    meaning = key["description"]
    if not meaning:
        return ""
    items = key.get("items", {})
    kinds = [key, items, *items.get("anyOf", [])]
    choices = next((one["enum"] for one in kinds if "enum" in one), [])
    if value != choices and not all(str(one) in meaning for one in choices):
        meaning += f": {', '.join(map(str, choices))}"
    is_word = len(meaning) > 1 and meaning[1].islower()
    phrase = meaning[0].lower() + meaning[1:] if is_word else meaning
    return f"{phrase}, {key['unit']}" if "unit" in key else phrase
