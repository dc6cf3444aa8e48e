"""Schemas of ntuples: the branches and formulas that give towers, tracks, jets and weights.

One module a schema; a further one is a module with its `Schema`, named in `SCHEMAS`. Another
package adds one with an entry point of the group ``calovision.schemas``; a user, with a YAML file
(`calovision.ntuples.schemas.custom`). Nothing here loads numpy, awkward or uproot.
"""

from pathlib import Path

from calovision.core.errors import InputError
from calovision.core.registry import Registry, nearest
from calovision.ntuples.schemas.calovision import CALOVISION
from calovision.ntuples.schemas.delphes import DELPHES
from calovision.ntuples.schemas.edm4hep import EDM4HEP
from calovision.ntuples.schemas.jetclass import JETCLASS
from calovision.ntuples.schemas.nanoaod import NANOAOD
from calovision.ntuples.schemas.physlite import PHYSLITE
from calovision.ntuples.schemas.schema import Schema
from calovision.ntuples.schemas.treemaker import TREEMAKER

SCHEMAS = Registry(
    "schema",
    Schema,
    (DELPHES, CALOVISION, NANOAOD, JETCLASS, PHYSLITE, EDM4HEP, TREEMAKER),
)
"""Schemas of ntuples by name."""
YAML_SUFFIXES = (".yaml", ".yml")


def find_schemas(
    schema: str | Path | Schema | None, *, tree: str | None = None
) -> tuple[Schema, ...]:
    """Schemas that a file may have.

    Parameters
    ----------
    schema
        One of `SCHEMAS`, the path of a YAML file, a `Schema` or several, or None for all of
        `SCHEMAS`.
    tree
        Name of the tree, in place of the schema's.

    Raises
    ------
    InputError
        If there is no such schema, or the YAML file is wrong.
    """
    found = tuple(SCHEMAS.values()) if schema is None else schema
    found = found if isinstance(found, tuple) else (find_schema(found),)
    return found if tree is None else tuple(one.with_changes(tree=tree) for one in found)


def find_schema(schema: str | Path | Schema) -> Schema:
    """Schema of a name or of a YAML file; InputError as in `find_schemas`."""
    if isinstance(schema, Schema):
        return schema
    if Path(schema).suffix in YAML_SUFFIXES:
        from calovision.ntuples.schemas.custom import read_schema  # numpy, for the formulas

        return read_schema(Path(schema), SCHEMAS)
    if str(schema) in SCHEMAS:
        return SCHEMAS[str(schema)]
    raise InputError(
        f"unknown schema {schema!r} of the ntuples{nearest(str(schema), SCHEMAS)}; choose one of "
        f"{', '.join(SCHEMAS)} or give a YAML file"
    )


def parse_schema(text: str, origin: str) -> Schema:
    """Schema of the content of a YAML file, which messages call ``origin``; InputError as in
    `find_schemas`.
    """
    from calovision.ntuples.schemas import custom  # numpy, for the formulas

    return custom.parse_schema(text, origin, SCHEMAS)
