"""JSON schema of the configuration, made of its classes, and ways to read it."""

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from calovision.workflow.configuration import Configuration
from calovision.workflow.keys import plain_values

_WORDS = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}


class _Generator(GenerateJsonSchema):
    """Schemas without titles, with plain values as defaults."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def encode_default(self, dft: Any) -> Any:
        return plain_values(dft)


def schema_of_configuration() -> dict[str, Any]:
    """JSON schema of the configuration, for editors and other programs.

    Beside the words of JSON schema a key has ``unit`` and ``details``, as of `keys.key`.
    """
    schema = Configuration.model_json_schema(schema_generator=_Generator)
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return draft | _in_words_of_json_schema(schema)


def _in_words_of_json_schema(schema: Any) -> Any:
    """Replace what pydantic writes of its own: bounds inside of unions, names by their pattern."""
    if isinstance(schema, list):
        return [_in_words_of_json_schema(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {_WORDS.get(key, key): _in_words_of_json_schema(one) for key, one in schema.items()}
    if "patternProperties" in found:
        ((pattern, value),) = found.pop("patternProperties").items()
        found |= {"propertyNames": {"pattern": pattern}, "additionalProperties": value}
    return found


class SchemaKeys:
    """Keys of a JSON schema, whose references are looked up.

    Attributes
    ----------
    top
        Schema of each key at the top level.
    """

    def __init__(self) -> None:
        schema = schema_of_configuration()
        self.top: dict[str, Any] = schema["properties"]
        self._sections = schema["$defs"]

    def below(self, key: Mapping[str, Any]) -> dict[str, Any]:
        """Keys of a section, or of one that may be null; none below a value."""
        for one in (key, *key.get("anyOf", ())):
            if "$ref" in one:
                section = self._sections[one["$ref"].rpartition("/")[2]]
                needed = section.get("required", ())
                return {
                    name: value | {"required": name in needed}
                    for name, value in section["properties"].items()
                }
        return {}

    def of_entries(self, key: Mapping[str, Any]) -> dict[str, Any]:
        """Keys of the entries of a section, which have names of the user's; else none."""
        entries = key.get("additionalProperties")
        return self.below(entries) if isinstance(entries, Mapping) else {}
