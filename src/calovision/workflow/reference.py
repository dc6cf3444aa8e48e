"""What is written from the classes of the configuration: its JSON schema."""

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
    """JSON schema of the configuration, for editors and other programs."""
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
