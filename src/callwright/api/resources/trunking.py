"""Elastic trunks: where they originate, who may use them, which numbers they have (call-control reference §3.15).

A call to a number of a trunk goes on to the trunk's origination URLs; one to its domain, from whoever its lists let in,
goes out to the number that it names.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from callwright.api.errors import INVALID_PARAMETER
from callwright.api.representation import API_VERSION
from callwright.api.request import Answer, ApiRequest, Gone, Resource
from callwright.api.resources.incoming_numbers import CAPABILITIES, FIELDS, KIND
from callwright.api.resources.sip import (
    BAD_DOMAIN,
    CREDENTIAL_LISTS,
    HOST,
    IP_LISTS,
    MAPPED,
    MAPPINGS,
    ON_TRUNKS,
    alone,
    named,
    once,
)
from callwright.api.resources.voice import IN_USE, NAME, SIP_URI
from callwright.api.routes import Routes
from callwright.api.stored.declaration import READ, Field, Stored
from callwright.api.stored.operations import Operations, changeable, given
from callwright.api.stored.pages import page
from callwright.api.stored.presentation import present
from callwright.api.stored.values import METHOD, Choice, Flag, Reference, Text, Url, Whole
from callwright.errors import RestError
from callwright.store.directory import Record

NOTES = "both ways, with transfers, disaster recovery and `Secure`; any host name as `DomainName`; no CNAM look-up"
MODES = tuple(f"{mode}{dual}" for mode in ("record-from-ringing", "record-from-answer") for dual in ("", "-dual"))
MODE = Choice(("do-not-record", *MODES))
TRIM = Choice(("trim-silence", "do-not-trim"))
PARTS = ("origination_urls", *ON_TRUNKS.values())


def _show(request: ApiRequest, record: Record) -> Mapping[str, Any]:
    directory = request.services.directory
    words = {"ip_access_control_list_sid": "IP_ACL", "credential_list_sid": "CREDENTIAL_LIST"}
    has = sorted(word for key, word in words.items() if directory.of(ON_TRUNKS[key], record.account_sid, record.sid))
    return {"recording": _recording(record), "auth_type": ",".join(has), "auth_type_set": has}


def _recording(record: Record) -> dict[str, str]:
    return {"mode": record["mode"] or "do-not-record", "trim": record["trim"] or "do-not-trim"}


def _parts(request: ApiRequest, record: Record) -> Iterable[Record]:
    directory = request.services.directory
    if any(number["trunk_sid"] == record.sid for number in directory.of(KIND, record.account_sid)):
        raise RestError(f"{record.sid} has numbers: it cannot be deleted", code=IN_USE, status=409)
    return [part for kind in PARTS for part in directory.of(kind, record.account_sid, record.sid)]


TRUNKS = Stored(
    kind="trunks",
    path="/v1/Trunks",
    name="Trunk",
    prefix="TK",
    fields=(
        Field("FriendlyName", Text(64), ""),
        Field("DomainName", Text(253, BAD_DOMAIN, pattern=rf"({HOST.pattern})?")),
        Field("DisasterRecoveryUrl", Url()),
        Field("DisasterRecoveryMethod", METHOD),
        Field("TransferMode", Choice(("disable-all", "enable-all", "sip-only")), "disable-all"),
        Field("TransferCallerId", Choice(("from-transferee", "from-transferor")), "from-transferor"),
        Field("Secure", Flag(), False),
        Field("CnamLookupEnabled", Flag(), False),
        Field("SymmetricRtpEnabled", default=True),
    ),
    subresources={
        "origination_urls": "OriginationUrls",
        "credential_lists": "CredentialLists",
        "ip_access_control_lists": "IpAccessControlLists",
        "phone_numbers": "PhoneNumbers",
    },
    show=_show,
    check=alone,
    parts=_parts,
    notes=NOTES,
    maturity="partly",
)
ORIGINATION_URLS = Stored(
    kind="origination_urls",
    path="/v1/Trunks/{trunk_sid}/OriginationUrls",
    name="OriginationUrl",
    prefix="OU",
    fields=(
        Field("SipUrl", Text(260, pattern=SIP_URI), required=True),
        Field("Priority", Whole(0, 65535), required=True),
        Field("Weight", Whole(1, 65535), required=True),
        Field("Enabled", Flag(), required=True),
        Field(NAME.name, Text(64, shortest=1), required=True),
    ),
    parent=TRUNKS,
    parent_field="trunk_sid",
    notes="a call tries them by priority and weight",
)


def _mapping(of: Stored, path: str) -> Stored:
    parameter = f"{of.name}Sid"
    key = Field(parameter).key
    return Stored(
        kind=ON_TRUNKS[key],
        key=of.kind,
        path=f"/v1/Trunks/{{trunk_sid}}/{path}",
        name=of.name,
        prefix="MP",
        fields=(Field(parameter, Reference(of.kind, of.prefix, optional=False), required=True, shown=False),),
        operations=MAPPINGS,
        parent=TRUNKS,
        parent_field="trunk_sid",
        addressed=key,
        check=once(key, INVALID_PARAMETER),
        show=named(key, of.kind),
        notes=MAPPED,
    )


NUMBERS = Stored(
    kind=KIND,
    key="phone_numbers",
    path="/v1/Trunks/{trunk_sid}/PhoneNumbers",
    name="PhoneNumber",
    prefix="PN",
    fields=FIELDS,
    parent=TRUNKS,
    operations=READ,
)
STORED = (
    TRUNKS,
    ORIGINATION_URLS,
    _mapping(CREDENTIAL_LISTS, "CredentialLists"),
    _mapping(IP_LISTS, "IpAccessControlLists"),
)


def _trunk(request: ApiRequest, trunk_sid: str) -> Record:
    return Operations(TRUNKS).find(request, {TRUNKS.segment: trunk_sid})


async def recording(request: ApiRequest, trunk_sid: str) -> Answer:
    """What the trunk records."""
    return Resource("Recording", _recording(_trunk(request, trunk_sid)))


async def record(request: ApiRequest, trunk_sid: str) -> Answer:
    """Changes what the trunk records."""
    new = _trunk(request, trunk_sid).changed(**given(request, {"Mode": MODE, "Trim": TRIM}))
    await request.services.directory.change(new)
    return Resource("Recording", _recording(new))


def _number(request: ApiRequest, number: Record, trunk_sid: str) -> dict[str, Any]:
    body = present(NUMBERS, request, number)
    public = request.services.public_url
    own = f"{public}/v1/Trunks/{trunk_sid}/PhoneNumbers/{number.sid}"
    same = f"{public}/{API_VERSION}/Accounts/{number.account_sid}/IncomingPhoneNumbers/{number.sid}.json"
    links = {"phone_number": same}
    of_trunk = {"trunk_sid": trunk_sid, "url": own, "links": links, "api_version": API_VERSION}
    return {**body, **of_trunk, "capabilities": CAPABILITIES}


async def numbers(request: ApiRequest, trunk_sid: str) -> Answer:
    """The trunk's numbers."""
    _trunk(request, trunk_sid)
    owned = request.services.directory.of(KIND, request.account.sid)
    own = [one for one in owned if one["trunk_sid"] == trunk_sid]
    return await page(NUMBERS, request, own, trunk_sid, lambda _, asked, one: _number(asked, one, trunk_sid))


def _of_trunk(request: ApiRequest, trunk_sid: str, phone_number_sid: str) -> Record:
    _trunk(request, trunk_sid)
    found = request.services.directory.get(KIND, phone_number_sid)
    if found is None or (found.account_sid, found["trunk_sid"]) != (request.account.sid, trunk_sid):
        raise request.missing()
    return found


async def number(request: ApiRequest, trunk_sid: str, phone_number_sid: str) -> Answer:
    """One of the trunk's numbers."""
    return Resource("PhoneNumber", _number(request, _of_trunk(request, trunk_sid, phone_number_sid), trunk_sid))


async def add_number(request: ApiRequest, trunk_sid: str) -> Answer:
    """Gives the trunk a number of the account."""
    _trunk(request, trunk_sid)
    name = "PhoneNumberSid"
    sid = Reference(KIND, "PN", optional=False).read(request.form.text(name), name, request)
    found = request.services.directory.get(KIND, sid)
    assert found is not None, "the reference was read"
    new = changeable(found).changed(trunk_sid=trunk_sid)
    await request.services.directory.change(new)
    return Resource("PhoneNumber", _number(request, new, trunk_sid), 201)


async def remove_number(request: ApiRequest, trunk_sid: str, phone_number_sid: str) -> Answer:
    """Takes a number from the trunk."""
    await request.services.directory.change(_of_trunk(request, trunk_sid, phone_number_sid).changed(trunk_sid=""))
    return Gone()


def install(routes: Routes) -> None:
    """The paths that the declarations do not have."""
    base = TRUNKS.path + f"/{{{TRUNKS.segment}}}"
    routes.add("GET", f"{base}/Recording", recording)
    routes.add("POST", f"{base}/Recording", record)
    routes.add("GET", f"{base}/PhoneNumbers", numbers)
    routes.add("POST", f"{base}/PhoneNumbers", add_number)
    routes.add("GET", f"{base}/PhoneNumbers/{{phone_number_sid}}", number)
    routes.add("DELETE", f"{base}/PhoneNumbers/{{phone_number_sid}}", remove_number)
