"""Reference page of all keys, and the files that ``make reference`` writes from the classes."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from calovision.core.markdown import rendered_table
from calovision.evaluation.baselines import BASELINES
from calovision.images.channels import CHANNELS
from calovision.jets.substructure.variables import JET_VARIABLES
from calovision.jets.variables import VARIABLES
from calovision.models.networks import NETWORKS
from calovision.ntuples.schemas import SCHEMAS
from calovision.ntuples.schemas.custom.tables import with_tables
from calovision.workflow.example import example_yaml, flow_yaml
from calovision.workflow.schema import SchemaKeys

HEAD = """\
# Keys of the configuration

What may stand in a configuration. Written by `make reference` from the classes in
`src/calovision/workflow/`; [how configurations are given and merged](../config/README.md). `<name>`
is a name of your choice. A key with a default may be left out, of the others only those that are
required must be given.
"""

_TYPES = {
    "integer": "whole number",
    "number": "number",
    "boolean": "`true`, `false`",
    "string": "text",
    "object": "keys and values",
    "null": "`null`",
}
_BOUNDS = {
    "minimum": "from {:.12g}",
    "exclusiveMinimum": "above {:.12g}",
    "maximum": "to {:.12g}",
    "exclusiveMaximum": "below {:.12g}",
}
PAGE = re.compile(r"(?<=\()(docs/(\w+\.md))(?=\))")
"""Page of the documentation within brackets, which becomes a link."""


def reference_page() -> str:
    """The page of all keys, as Markdown: a table for every section."""
    schema = SchemaKeys()
    alone = {
        name: key
        for name, key in schema.top.items()
        if not schema.below(key) and not schema.of_entries(key)
    }
    parts = [HEAD, _table_of_keys(schema, alone)]
    for name, key in schema.top.items():
        if name not in alone:
            parts += [f"## `{name}`\n", f"{_meaning(key)}\n", _table_of_keys(schema, {name: key})]
    return "\n".join([*parts, *_names()])


def _names() -> Iterator[str]:
    """Sections on the names that values may be, from their registries."""
    yield "## Event variables\n"
    yield (
        "Of the fat jets that pass `fat_jets.pt_min` and `fat_jets.eta_max`, in descending pT, and "
        "of what `event_content` adds. A cut on one of several numbers is written `jet_pt[0]`.\n"
    )
    header = ("name", "meaning", "unit", "needs event_content")
    yield rendered_table(
        header,
        [
            (f"`{name}`", one.doc, one.unit, "yes" if one.needs_content else "")
            for name, one in VARIABLES.own.items()
        ],
    )
    yield "## Jet variables\n"
    yield (
        "Of jets, for `images.jets.variables` and cuts on jets, beside pt, eta, phi and mass. N-"
        "subjettiness is that of the file's own jets where it has branches of it; all else is "
        "computed from the constituents, without cuts of the recipe on these. Where one is not "
        "defined it is NaN, of which every comparison is false.\n"
    )
    yield rendered_table(
        ("name", "meaning", "unit", "not defined for"),
        [
            (f"`{name}`", one.doc, one.unit, one.undefined_for or "")
            for name, one in JET_VARIABLES.own.items()
        ],
    )
    yield "## Schemas\n"
    yield "The one that fits is found if `samples.<name>.schema` is left out.\n"
    yield rendered_table(
        ("name", "files"), [(f"`{name}`", one.title) for name, one in SCHEMAS.own.items()]
    )
    yield "## Channels\n"
    rows = [(f"`{name}`", one.doc, one.unit) for name, one in CHANNELS.own.items() if one.of_event]
    yield rendered_table(("name", "meaning", "unit"), rows)
    yield "## Networks\n"
    yield "`calovision models small` lists its layers; options are keys of `train.options`.\n"
    rows = [
        (f"`{name}`", one.title, one.paper, ", ".join(f"`{option}`" for option in one.options))
        for name, one in NETWORKS.own.items()
    ]
    yield rendered_table(("name", "network", "source", "options"), rows)
    yield "## Shallow classifiers\n"
    rows = [(f"`{name}`", one.doc) for name, one in BASELINES.own.items()]
    yield rendered_table(("name", "classifier"), rows)


def _table_of_keys(schema: SchemaKeys, keys: Mapping[str, Any]) -> str:
    return rendered_table(("key", "meaning", "value", "default"), _rows(schema, keys, ""))


def _rows(
    schema: SchemaKeys, keys: Mapping[str, Any], prefix: str
) -> Iterator[tuple[str, str, str, str]]:
    """Name, meaning, values and default of the keys of a section and of those below it."""
    for name, key in keys.items():
        below = schema.below(key)
        entries = schema.of_entries(key)
        if below:
            yield from _rows(schema, below, f"{prefix}{name}.")
        elif entries == schema.below(schema.top["train"]):
            yield (
                f"`{prefix}{name}.<name>`",
                "Model of this name.",
                "keys of `train`",
                "`cnn: {}`",
            )
        elif entries:
            yield from _rows(schema, entries, f"{prefix}{name}.<name>.")
        else:
            values = values_in_words(key) + (f", {key['unit']}" if "unit" in key else "")
            yield f"`{prefix}{name}`", _meaning(key), values, _default(key)


def _meaning(key: Mapping[str, Any]) -> str:
    """Sentences on a key."""
    meaning = key["description"]
    end = "" if meaning.endswith("...") else "."
    sentences = f"{meaning[0].upper()}{meaning[1:]}{end} {key.get('details', '')}".strip()
    return PAGE.sub(r"[\1](\2)", sentences)


def values_in_words(key: Mapping[str, Any]) -> str:
    """Values that a key may have, by its JSON schema."""
    if "anyOf" in key:
        return "; or ".join(values_in_words(one) for one in key["anyOf"])
    if "enum" in key:
        return ", ".join(f"`{one}`" for one in key["enum"])
    if "prefixItems" in key:
        return f"{len(key['prefixItems'])} of: {values_in_words(key['prefixItems'][0])}"
    if key["type"] == "array":
        return f"list of: {values_in_words(key['items'])}"
    bounds = [words.format(key[name]) for name, words in _BOUNDS.items() if name in key]
    return " ".join([_TYPES[key["type"]], *bounds])


def _default(key: Mapping[str, Any]) -> str:
    """Default of a key; of one without, an example."""
    if "default" in key:
        return f"`{flow_yaml(key['default'])}`"
    start = "required" if key["required"] else "none"
    return f"{start}; as `{flow_yaml(key['examples'][0])}`" if "examples" in key else start


def files_of_reference(repository: Path) -> dict[str, str]:
    """Content of each file that is written from the classes, by its path in the repository.

    Of ``docs/schemas.md`` the tables are written, the text between them stays.
    """
    schemas = (repository / "docs/schemas.md").read_text()
    return {
        "config/config.yaml": example_yaml(),
        "docs/configuration.md": reference_page(),
        "docs/schemas.md": with_tables(schemas),
    }


if __name__ == "__main__":
    for path, text in files_of_reference(Path()).items():
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(text)
