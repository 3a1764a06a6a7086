"""The API described in OpenAPI 3.1, made from the routes and the declarations."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from callwright import __version__
from callwright.api.catalogue import STORED, routes
from callwright.api.matrix import HANDLED
from callwright.api.representation import API_VERSION, to_json
from callwright.api.routes import OWN
from callwright.api.stored.declaration import CREATE, UPDATE, Stored
from callwright.api.stored.presentation import route

FORM = "application/x-www-form-urlencoded"
PAGING = ({"$ref": "#/components/parameters/PageSize"}, {"$ref": "#/components/parameters/Page"})
ACCOUNT = {"name": "account_sid", "in": "path", "required": True, "schema": {"type": "string"}}
SUMMARIES = {"list": "A page of them", CREATE: "A new one", "fetch": "One of them", UPDATE: "Changes one"}
SUMMARIES |= {"delete": "Deletes one"}
UNKNOWN: Mapping[str, Any] = {"type": "object"}
COMMON: Mapping[str, Mapping[str, Any]] = {
    "PageSize": {"schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50}},
    "Page": {"schema": {"type": "integer", "minimum": 0, "default": 0}},
}


def schema(stored: Stored) -> dict[str, Any]:
    """What an answer has of a resource."""
    text = {"type": "string"}
    fields: dict[str, Any] = {"sid": text, "account_sid": text}
    for field in stored.fields:
        if field.shown:
            fields[field.key] = dict(field.value.schema) if field.value else {}
    links = "links" if stored.product else "subresource_uris"
    fields |= {"date_created": text, "date_updated": text, "url" if stored.product else "uri": text}
    if stored.subresources:
        fields[links] = {"type": "object", "properties": dict.fromkeys(stored.subresources, text)}
    return {"type": "object", "properties": fields}


def form(stored: Stored, operation: str) -> dict[str, Any]:
    """The body of a POST."""
    fields = [field for field in stored.fields if field.value and operation in field.on]
    properties = {field.name: dict(field.value.schema) for field in fields if field.value}
    required = [field.name for field in fields if field.required and operation == CREATE]
    whole = {"type": "object", "properties": properties} | ({"required": required} if required else {})
    return {"content": {FORM: {"schema": whole}}}


def _operation(stored: Stored | None, name: str, method: str, path: str) -> dict[str, Any]:
    """One method of a path; `name` is the resource's."""
    instance = path.endswith("}")
    kinds = {"get": "fetch" if instance else "list", "post": UPDATE if instance else CREATE, "delete": "delete"}
    kind = kinds[method]
    answer: Mapping[str, Any] = {"$ref": f"#/components/schemas/{name}"} if stored else UNKNOWN
    if kind == "list" and stored:
        answer = {"type": "object", "properties": {stored.list_key: {"type": "array", "items": answer}}}
    parameters: list[Any] = []
    if kind == "list":
        filters = [each for one in stored.filters for each in one.names] if stored else []
        parameters = [*PAGING, *({"name": one, "in": "query", "schema": {"type": "string"}} for one in filters)]
    status = "204" if kind == "delete" else str(stored.created) if stored and kind == CREATE else "200"
    good: dict[str, Any] = {"description": SUMMARIES[kind]}
    if kind != "delete":
        good["content"] = {"application/json": {"schema": answer}}
    told: dict[str, Any] = {
        "operationId": f"{kind}-{path.strip('/').replace('/', '-').replace('{', '').replace('}', '')}",
        "tags": [name],
        "summary": SUMMARIES[kind],
        "parameters": parameters,
        "responses": {status: good, "default": {"$ref": "#/components/responses/Refusal"}},
    }
    if method == "post":
        told["parameters"] = [{"$ref": "#/components/parameters/IdempotencyKey"}]
        if stored:
            told["requestBody"] = form(stored, kind)
    return told


def _named(stored: Stored) -> str:
    """The name of its schema: two resources may be called alike below different paths."""
    alike = [one for one in STORED if one.name == stored.name]
    return stored.name if len(alike) == 1 else "".join(part for part in stored.path.split("/") if "{" not in part)


def _paths() -> dict[str, Any]:
    declared = {route(stored): stored for stored in STORED}
    found: dict[str, Any] = {}
    for place, handlers in routes().walk():
        whole = place.rpartition("/")[0] if place.endswith("}") else place
        stored = declared.get(whole)
        below = place.replace(OWN, "Accounts/{account_sid}", 1) if place.startswith(OWN) else place
        path = below if below.startswith("/") else f"/{API_VERSION}/{below}.json"
        names = [segment.strip("{}") for segment in below.split("/") if segment.startswith("{")]
        item: dict[str, Any] = {
            "parameters": [ACCOUNT | {"name": name} for name in names],
        }
        title = _named(stored) if stored else whole.removeprefix(f"{OWN}/")
        for method in handlers:
            item[method.lower()] = _operation(stored, title, method.lower(), below)
        found[path] = item
    return found


@lru_cache(maxsize=4)
def written(public_url: str) -> bytes:
    """The whole description in JSON."""
    return to_json(document(public_url))


def document(public_url: str) -> dict[str, Any]:
    """The whole description."""
    text = {"type": "string"}
    refusal = {"code": {"type": "integer"}, "message": text, "more_info": text, "status": {"type": "integer"}}
    key = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}}
    paging = {name: {"name": name, "in": "query", **common} for name, common in COMMON.items()}
    tags = [{"name": name, "description": notes} for name, (_, notes) in HANDLED.items() if notes]
    return {
        "openapi": "3.1.0",
        "info": {"title": "Callwright", "version": __version__},
        "servers": [{"url": public_url}],
        "security": [{"basic": []}],
        "tags": tags,
        "paths": _paths(),
        "components": {
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
            "parameters": {"IdempotencyKey": key, **paging},
            "responses": {
                "Refusal": {
                    "description": "A refusal",
                    "content": {"application/json": {"schema": {"type": "object", "properties": refusal}}},
                }
            },
            "schemas": {_named(stored): schema(stored) for stored in STORED},
        },
    }
