"""The routes API: the region that processes calls of a number, a SIP domain or a trunk (call-control reference §3.17).

A daemon is one region, whatever its name: the setting is kept and shown.
"""

from functools import partial
from typing import Any

from callwright import ids
from callwright.api.request import Answer, ApiRequest, Resource
from callwright.api.resources.applications import BAD_NAME
from callwright.api.routes import Routes
from callwright.api.stored.operations import given
from callwright.api.stored.presentation import iso
from callwright.api.stored.values import Text, Value
from callwright.store.directory import UNDATED, Record

KIND = "regions"
REGION = Text(16, pattern="[a-z]{2}[0-9]")
THINGS = {
    "PhoneNumbers": ("phone_number", "incoming_phone_numbers", "phone_number"),
    "SipDomains": ("sip_domain", "domains", "domain_name"),
    "Trunks": ("sip_trunk_domain", "trunks", "domain_name"),
}
"""By path: the field that names it, the kind that it is of, and the field that it is found by."""


def _record(request: ApiRequest, path: str, name: str) -> Record:
    """The setting of one of the account's things; the default when none has been made."""
    _, kind, field = THINGS[path]
    own = request.services.directory.of(kind, request.account.sid)
    if not any(one[field] == name for one in own):
        raise request.missing()
    sid = ids.derived("QQ", request.account.sid, path, name)
    fields = {"friendly_name": name, "voice_region": "us1"}
    return request.services.directory.get(KIND, sid) or Record(sid, KIND, request.account.sid, fields)


def _present(request: ApiRequest, path: str, name: str, record: Record) -> dict[str, Any]:
    undated = record.date_created == UNDATED
    return {
        THINGS[path][0]: name,
        "url": f"{request.services.public_url}/v2/{path}/{name}",
        "sid": record.sid,
        "account_sid": record.account_sid,
        "friendly_name": record["friendly_name"],
        "voice_region": record["voice_region"],
        "date_created": None if undated else iso(record.date_created),
        "date_updated": None if undated else iso(record.date_updated),
    }


async def fetch(request: ApiRequest, name: str, *, path: str) -> Answer:
    """The setting."""
    return Resource("Route", _present(request, path, name, _record(request, path, name)))


async def update(request: ApiRequest, name: str, *, path: str) -> Answer:
    """Changes it."""
    values: dict[str, Value] = {"VoiceRegion": REGION, "FriendlyName": Text(64, BAD_NAME)}
    new = _record(request, path, name).changed(**given(request, values))
    if new.date_created == UNDATED:
        new = Record(new.sid, KIND, new.account_sid, new.fields, "", new.date_updated, new.date_updated)
    await request.services.directory.change(new)
    return Resource("Route", _present(request, path, name, new))


def install(routes: Routes) -> None:
    """The paths."""
    for path in THINGS:
        routes.add("GET", f"/v2/{path}/{{name}}", partial(fetch, path=path))
        routes.add("POST", f"/v2/{path}/{{name}}", partial(update, path=path))
