"""Keys of a configuration: the description and the bounds of one, the types of values, sections.

A section is a class whose attributes are the keys; unknown keys are refused, values cannot be
changed. Integers of YAML stay integers where a number is wanted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
    WrapValidator,
    field_validator,
)

from calovision.core.registry import nearest
from calovision.core.text import shown

EMPTY = "it is empty; give it a value, or leave the key out"
EMPTY_SECTION = "it is empty; give keys below it, write {}, or leave it out"
LARGEST = 2**32 - 1
"""Largest whole number of a key: generators of random numbers take no larger seed."""

NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$"
"""Names, which become those of files and folders."""


def key(
    default: Any,
    meaning: str | None = None,
    *,
    unit: str | None = None,
    details: str | None = None,
    example: Any = None,
    **bounds: Any,
) -> Any:
    """One key of a section.

    Parameters
    ----------
    default
        Its value where nothing is given; ``...`` for a key that must be given, a section for one
        with its defaults.
    meaning
        One line: the comment in config/config.yaml, the description in the JSON schema; None for
        the first line of the section's docstring.
    unit
        Unit of the value.
    details
        What else the reference page says of it.
    example
        Value for the reference page, where there is no default.
    bounds
        ``gt``, ``ge``, ``lt``, ``le``, ``min_length``, ``validate_default``, as of pydantic.
    """
    examples = None if example is None else [example]
    further = {"unit": unit, "details": details, "examples": examples}
    extra = {name: text for name, text in further.items() if text is not None}
    if isinstance(default, type):
        bounds["default_factory"] = default
        meaning = meaning or meaning_of(default)
        return Field(description=meaning, json_schema_extra=extra, **bounds)
    return Field(default, description=meaning, json_schema_extra=extra, **bounds)


def meaning_of(section: type) -> str:
    """First line of the docstring of a section, without its full stop."""
    return (section.__doc__ or "").partition("\n")[0].removesuffix(".")


def _whole(value: Any) -> Any:
    """The integer of a whole float, as ``1e4`` events; ValueError beyond `LARGEST`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if abs(value) > LARGEST:
        raise ValueError(f"{shown(value)} is beyond {LARGEST}; give a smaller number")
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _as_given(value: Any, check: Any) -> Any:
    """The value itself, which may be an integer; ``check`` raises unless it is a number."""
    check(value)
    return value


Whole = Annotated[int, Field(strict=True), BeforeValidator(_whole)]
Number = Annotated[float, Field(strict=True), WrapValidator(_as_given)]
Truth = Annotated[bool, Field(strict=True)]
Word = Annotated[str, Field(strict=True)]
Text = Annotated[str, Field(strict=True, min_length=1)]
Name = Annotated[str, Field(strict=True, pattern=NAME_PATTERN)]


class Choices:
    """Values that a key may have, for ``Annotated[str, Choices(...)]``."""

    def __init__(self, *values: Any) -> None:
        self.values = values

    def check(self, value: Any) -> Any:
        """Return the value, or None, of which the type decides; ValueError, with the nearest
        choice, unless it is one.
        """
        if value is None or value in self.values:
            return value
        texts = [one for one in self.values if isinstance(one, str)]
        hint = nearest(value, texts) if isinstance(value, str) else ""
        raise ValueError(f"{shown(value)} is not one of {list(self.values)}{hint}")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        return BeforeValidator(self.check).__get_pydantic_core_schema__(source, handler)

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> Any:
        return {**handler(schema), "enum": list(self.values)}


class Unique:
    """Mark of a list whose elements differ, for ``Annotated[tuple[...], Unique()]``."""

    @staticmethod
    def check(values: Sequence[Any]) -> Sequence[Any]:
        """Return the values; ValueError if two are equal."""
        if len(set(values)) < len(values):
            raise ValueError(f"{shown(list(values))} has non-unique elements")
        return values

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        return AfterValidator(self.check).__get_pydantic_core_schema__(source, handler)

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> Any:
        return {**handler(schema), "uniqueItems": True}


class _Hidden:
    """Method of pydantic's that is hidden, since a key has its name."""

    def __get__(self, instance: object, owner: type) -> Any:
        raise AttributeError


class Section(BaseModel):
    """Section of a configuration: its keys are the attributes, and have the same names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def to_dict(self) -> dict[str, Any]:
        """Plain values: all keys of sections, of entries with a name those that are given."""
        return plain_values(self)

    def given(self) -> dict[str, Any]:
        """Plain values of the keys that are given."""
        return plain_values(self, given_only=True)


Section.schema = _Hidden()


class Entry(Section):
    """Section that a name of the user's stands for; a key that is left out is None."""

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_none(cls, value: Any, info: ValidationInfo) -> Any:
        if value is not None:
            return value
        is_section = section_in(cls.model_fields[str(info.field_name)].annotation) is not None
        raise ValueError(EMPTY_SECTION if is_section else EMPTY)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: GetJsonSchemaHandler) -> Any:
        found = handler.resolve_ref_schema(handler(schema))
        for one in found.get("properties", {}).values():
            types = [member for member in one.get("anyOf", []) if member != {"type": "null"}]
            if "anyOf" in one:
                one.pop("anyOf")
                one |= types[0] if len(types) == 1 else {"anyOf": types}
            if one.get("default", 0) is None:
                del one["default"]
        return found


def plain_values(value: Any, *, given_only: bool = False) -> Any:
    """Mappings, lists and scalars of a value; with ``given_only`` of the keys that were given."""
    if isinstance(value, Section):
        known = type(value).model_fields
        names = [name for name in known if not given_only or name in value.model_fields_set]
        return {name: plain_values(getattr(value, name), given_only=given_only) for name in names}
    if isinstance(value, Mapping):
        return {name: plain_values(one, given_only=True) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain_values(one, given_only=given_only) for one in value]
    return value


def keys_of(options: type, types: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Keys for the fields of a dataclass that are options (`calovision.core.options.option`).

    Parameters
    ----------
    options
        The dataclass; fields that are no options have no key.
    types
        Types of the values of some keys, in place of those of the fields.

    Returns
    -------
    Type and description of each key, as ``pydantic.create_model`` takes them.
    """
    found = {}
    for field in fields(options):
        if "meaning" not in field.metadata:
            continue
        described = dict(field.metadata)
        bounds = described.pop("bounds")
        choices = described.pop("choices")
        values = types.get(field.name) or _type_of_values(field.type, choices, bounds)
        default = field.default if field.default is not MISSING else field.default_factory()
        found[field.name] = (values, key(default, described.pop("meaning"), **described))
    return found


def _type_of_values(
    annotation: Any, choices: Sequence[str] | None, bounds: Mapping[str, float]
) -> Any:
    """Type of the values of a key, checked as the section checks it."""
    kind, *others = members(annotation)
    checked = {int: Whole, float: Number, bool: Truth, str: Word}[kind]
    if choices is not None:
        checked = Annotated[checked, Choices(*choices)]
    if bounds:
        checked = Annotated[checked, Field(**bounds)]
    return checked | None if others else checked


def annotation_below(annotation: Any, name: int | str) -> Any:
    """Type of the value of a key (or of an element) in values of a type; Any if it is unknown."""
    for one in members(annotation):
        arguments = get_args(one)
        if isinstance(one, type) and issubclass(one, Section):
            if name in one.model_fields:
                return one.model_fields[name].annotation
        elif get_origin(one) is dict:
            return arguments[1]
        elif get_origin(one) is tuple:
            return arguments[0]
    return Any


def section_in(annotation: Any) -> type[Section] | None:
    """The section that values of a type may be."""
    sections = [one for one in members(annotation) if isinstance(one, type)]
    return next((one for one in sections if issubclass(one, Section)), None)


def members(annotation: Any) -> list[Any]:
    """Types that a type allows: those of a union, without what `Annotated` adds."""
    if get_origin(annotation) is Annotated:
        return members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [one for part in get_args(annotation) for one in members(part)]
    return [annotation]
