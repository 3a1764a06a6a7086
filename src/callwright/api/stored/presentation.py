"""A record as an answer, in the manner of the 2010-04-01 API or of a product API (call-control reference §3.1)."""

from datetime import UTC, datetime
from typing import Any

from callwright.api.representation import API_VERSION, date
from callwright.api.request import ApiRequest
from callwright.api.routes import OWN
from callwright.api.stored.declaration import Stored
from callwright.store.directory import UNDATED, Record


def iso(moment: datetime) -> str:
    """A moment as a product API writes it: whole seconds, Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def place(stored: Stored, request: ApiRequest, parent_sid: str) -> str:
    """The path of a list, without an extension."""
    if stored.root:
        return f"/{API_VERSION}/{stored.path}"
    path = stored.path if stored.product else f"{request.base}/{stored.path}"
    return path.replace(f"{{{stored.parent.segment}}}", parent_sid) if stored.parent else path


def route(stored: Stored) -> str:
    """The path of a list, as `Routes` has it."""
    return stored.path if stored.product else f"{OWN}/{stored.path}"


def address(stored: Stored, record: Record) -> str:
    """What addresses a record in its path, and is shown as its SID."""
    return record.sid if stored.addressed == "sid" else str(record[stored.addressed])


def present(stored: Stored, request: ApiRequest, record: Record) -> dict[str, Any]:
    """A record's fields."""
    sid = address(stored, record)
    path = f"{place(stored, request, record.parent_sid)}/{sid}"
    if record.account_sid != request.account.sid and not stored.root:  # it has just been moved
        path = path.replace(request.account.sid, record.account_sid, 1)
    body: dict[str, Any] = {"sid": sid} if stored.root else {"sid": sid, "account_sid": record.account_sid}
    if stored.parent_field:
        body[stored.parent_field] = record.parent_sid
    body |= {field.key: record.fields.get(field.key, field.default) for field in stored.fields if field.shown}
    if stored.api_version:
        body["api_version"] = API_VERSION
    for name, moment in (("date_created", record.date_created), ("date_updated", record.date_updated)):
        undated = moment == UNDATED
        body[name] = None if undated else iso(moment) if stored.product else date(moment)
    if stored.product:
        url = request.services.public_url + path
        body["url"] = url
        if stored.subresources:
            body["links"] = {name: f"{url}/{part}" for name, part in stored.subresources.items()}
    else:
        body["uri"] = path + request.suffix
        if stored.subresources:
            links = {name: f"{path}/{part}{request.suffix}" for name, part in stored.subresources.items()}
            body["subresource_uris"] = links
    body.update(stored.show(request, record))
    return body
