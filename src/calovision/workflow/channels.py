"""Lists of channels in a configuration: names, ranges of layers, mappings of layers."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler

from calovision.core.depth import LAYER, expanded, split_name
from calovision.core.errors import InputError
from calovision.core.text import shown
from calovision.images.channels import (
    event_channel_names,
    is_of_events,
    is_of_jets,
    jet_channel_names,
    unknown_channel,
)
from calovision.workflow.keys import Choices


class ChannelName(Choices):
    """Names of channels, of which those by layer stand in no list."""

    def __init__(self, names: Sequence[str], is_known: Callable[[object], bool]) -> None:
        super().__init__(*names)
        self.is_known = is_known

    def check(self, value: Any) -> Any:
        """Return the name; ValueError unless it is one."""
        if isinstance(value, str) and self.is_known(value):
            return value
        if split_name(value) is not None:
            raise ValueError(
                f"there is no channel {shown(value)}{unknown_channel(value, self.values)}"
            )
        return super().check(value)

    def __get_pydantic_json_schema__(self, source: Any, handler: GetJsonSchemaHandler) -> Any:
        names = {"type": "string", "enum": list(self.values)}
        by_layer = {"type": "string", "pattern": rf"^\w+_{LAYER}\d+(-\d+)?$"}
        return {"anyOf": [names, by_layer, {"type": "object"}]}


class ByLayer:
    """Mark of a list of channels that may name ranges of layers and hold mappings of them."""

    @staticmethod
    def check(values: Any) -> Any:
        """Return the names that the entries mean; ValueError for an entry that is none."""
        try:
            return expanded(values)
        except InputError as error:
            raise ValueError(str(error)) from error

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        return BeforeValidator(self.check).__get_pydantic_core_schema__(source, handler)


Channel = Annotated[str, Field(strict=True), ChannelName(event_channel_names(), is_of_events)]
JetChannel = Annotated[str, Field(strict=True), ChannelName(jet_channel_names(), is_of_jets)]
