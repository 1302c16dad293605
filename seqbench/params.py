"""Parameters of models, tasks and the trainer: checked against their schema, told apart from their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from seqbench.errors import ConfigError
from seqbench.naming import nearest


def field_names(schema: type) -> tuple[str, ...]:
    """The keys that a schema (a dataclass or a pydantic model) knows."""
    if is_dataclass(schema):
        return tuple(item.name for item in fields(schema))
    return tuple(getattr(schema, "model_fields", {}))


def validate(schema: type, values: Mapping[str, Any], where: str) -> Any:
    """An instance of `schema` made from `values`.

    where: the dotted place that an error names, `models.lstm` say. Raises ConfigError with the key and the nearest
    valid one, or with what is wrong about the value.
    """
    names = field_names(schema)
    for key in values:
        if key not in names:
            raise ConfigError(f"'{where}.{key}' is no parameter{nearest(key, names)}")
    try:
        return _adapter(schema).validate_python(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join([where, *(str(part) for part in first["loc"])])
        given = "" if first["type"] == "missing" else f" (given: {first['input']!r})"
        hint = "; write several values as [a, b, c]" if first["type"].startswith(("tuple", "list")) else ""
        raise ConfigError(f"'{place}' is not valid: {_lower_first(first['msg'])}{given}{hint}.") from None
    except (TypeError, ValueError) as error:
        raise ConfigError(f"'{where}' is not valid: {error}.") from None


def dump(schema: type, instance: Any) -> dict[str, Any]:
    """The instance as JSON-able values."""
    values = _adapter(schema).dump_python(instance, mode="json")
    return dict(values)


def _adapter(schema: type) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(schema)
    except PydanticUserError as error:
        raise ConfigError(f"the parameters {schema.__qualname__} cannot be used: {error.message}") from None


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
