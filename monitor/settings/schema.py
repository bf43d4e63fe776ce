"""JSON Schema of the three files, for editors: completion, the description of each key, and mistakes as one types.

What a schema cannot say (that a route's channel exists, that a zone is known) is left to `monitor check`.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from monitor.channels import KINDS
from monitor.settings.document import IGNORED_PREFIX
from monitor.settings.fields import ID
from monitor.settings.files import (
    DefaultsRow,
    FeedRow,
    HttpRow,
    PollingRow,
    RouteRow,
    ServiceRow,
    SituationRow,
    StoreRow,
    WatchRow,
)
from monitor.settings.load import FEEDS, MONITOR, WATCHES
from monitor.settings.validate import FILE_SUFFIX, secret_fields, submodel

DIALECT = GenerateJsonSchema.schema_dialect

_SAVED = {
    "type": "object",
    "description": "Queries by name, which others use as `@name`.",
    "propertyNames": {"pattern": f"^(?:{ID.pattern})$"},
    "additionalProperties": {"type": "string"},
}


def json_schema() -> dict[str, Any]:
    """Return one JSON Schema document for each file, by file name."""
    sections = {
        "situation": _row(SituationRow),
        "store": _row(StoreRow),
        "service": _row(ServiceRow),
        "polling": _row(PollingRow),
        "http": _row(HttpRow),
        "defaults": _row(DefaultsRow),
        "channels": _optional(
            {"type": "object", "additionalProperties": {"oneOf": [_channel(kind) for kind in KINDS]}}
        ),
        "routes": _optional({"type": "object", "additionalProperties": _row(RouteRow)}),
        "operator": {"type": "string", "description": "Route of the alerts that the service gives about itself."},
    }
    return {
        MONITOR: _file("The service", sections, required=["situation"]),
        FEEDS: _file("Feeds", {"feeds": _optional(_list(_row(FeedRow)))}, required=["feeds"]),
        WATCHES: _file(
            "Watches", {"saved": _optional(_SAVED), "watches": _optional(_list(_row(WatchRow)))}, required=["watches"]
        ),
    }


def _file(title: str, properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "$schema": DIALECT,
        "title": title,
        "type": "object",
        "properties": properties,
        "patternProperties": {f"^{IGNORED_PREFIX}": {}},
        "additionalProperties": False,
        "required": required,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _optional(schema: dict[str, Any]) -> dict[str, Any]:
    """Allow a key with nothing after it: a section whose rows are all commented out."""
    return {"anyOf": [schema, {"type": "null"}]}


def _channel(kind: str) -> dict[str, Any]:
    schema = _row(KINDS[kind].Options)
    properties = {"kind": {"const": kind, "description": "Kind of channel."}, **schema["properties"]}
    return {**schema, "title": kind, "properties": properties, "required": ["kind", *schema.get("required", [])]}


def _row(model: type[BaseModel]) -> dict[str, Any]:
    """Return a model's schema without references, each secret with its twin that names a file."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})
    return _with_files(model, _inlined(schema, definitions))


def _with_files(model: type[BaseModel], schema: dict[str, Any]) -> dict[str, Any]:
    properties = dict(schema["properties"])
    secrets = secret_fields(model)
    for name in secrets:
        description = f"File that holds `{name}`; relative to this folder."
        properties[name + FILE_SUFFIX] = {"type": "string", "description": description}
    for name, value in schema["properties"].items():
        inner = submodel(model, name)
        if inner and value.get("type") == "object":
            properties[name] = _with_files(inner, value)
    required = [name for name in schema.get("required", []) if name not in secrets]
    either = [
        {"anyOf": [{"required": [name]}, {"required": [name + FILE_SUFFIX]}]}
        for name in secrets
        if name in schema.get("required", [])
    ]
    return {**schema, "properties": properties, "required": required, **({"allOf": either} if either else {})}


def _inlined(value: Any, definitions: dict[str, Any]) -> Any:
    """Put definitions in the place of references: rows stand inside other documents, where a reference would not resolve."""
    if isinstance(value, dict):
        if "$ref" in value:
            rest = {key: item for key, item in value.items() if key != "$ref"}
            return {**_inlined(definitions[str(value["$ref"]).rpartition("/")[2]], definitions), **rest}
        return {key: _inlined(item, definitions) for key, item in value.items()}
    if isinstance(value, list):
        return [_inlined(item, definitions) for item in value]
    return value
