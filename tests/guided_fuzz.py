"""Texts that coverage of our code leads to new branches: the right result, or one sentence.

Arguments are a target, and those of libFuzzer: folders of texts to begin with, of which the first
takes new ones, and options such as ``-runs=10000 -seed=1``. A text that ends it is kept as
``crash-*``. It needs the package atheris, which has no wheel for every machine.
"""

import sys

import atheris

with atheris.instrument_imports(include=["calovision"]):
    from calovision.core.errors import InputError
    from calovision.core.user_files import parse_yaml
    from calovision.ntuples.schemas import parse_schema
    from calovision.selection.expressions import parse
    from calovision.workflow.configuration import Configuration

from hostile import right_or_refused


def expressions(text: str) -> None:
    """An expression, which is read again as it is written, and in place of a name."""
    found = right_or_refused(parse, text, "here")
    if not isinstance(found, InputError):
        assert parse(found.text, "here").tree == found.tree
        right_or_refused(found.possible_kinds, "here")
        right_or_refused(parse("x + 1", "here").substitute, {"x": text}, "here")


def schemas(text: str) -> None:
    """A schema."""
    right_or_refused(parse_schema, text, "here")


def configurations(text: str) -> None:
    """A configuration."""
    content = right_or_refused(parse_yaml, text, "here", "configuration")
    if isinstance(content, dict):
        right_or_refused(Configuration.from_mapping, content)


TARGETS = {target.__name__: target for target in (expressions, schemas, configurations)}


def main() -> None:
    target = TARGETS[sys.argv.pop(1)]

    def one(data: bytes) -> None:
        target(data.decode("utf-8", errors="surrogateescape"))

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
