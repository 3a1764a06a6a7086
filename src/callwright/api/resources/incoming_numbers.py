"""IncomingPhoneNumbers: numbers of an account and who answers them (call-control reference §3.7).

A number is claimed from the ranges of [numbers], or is any that nobody has when there are none. What the configuration
file declares shows, and is changed there. A change holds from the next call on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from callwright.account import Account
from callwright.api.request import ApiRequest
from callwright.api.resources.applications import BAD_NAME, SMS, VOICE
from callwright.api.resources.calls import formatted
from callwright.api.stored.declaration import ALL, CREATE, READ, Field, Filter, Stored
from callwright.api.stored.values import Choice, Reference, Text, bad
from callwright.errors import RestError
from callwright.sections import NumberRange
from callwright.store.directory import Record

KIND = "incoming_phone_numbers"
BAD_NUMBER, UNAVAILABLE, NONE_LEFT, BAD_APPLICATION, BAD_ACCOUNT = 21421, 21422, 21452, 21420, 20404
CAPABILITIES = {"voice": True, "sms": False, "mms": False, "fax": False}


def open_to(account: Account, one: NumberRange) -> bool:
    """Whether an account may claim numbers of a range."""
    return not one.account or one.account in account.lineage


def free(request: ApiRequest, code: str = "") -> Iterator[tuple[NumberRange, str]]:
    """Every number of an area that the account may claim now, with its range."""
    taken = {record["phone_number"] for record in request.services.directory.all(KIND)}
    for one in request.services.config.numbers.ranges:
        ends = [area(end, code) for end in (one.first, one.last)]
        within = one.first[: len(code) + 2] == one.last[: len(code) + 2]
        if open_to(request.account, one) and (any(ends) or not within):
            yield from ((one, number) for number in one.numbers() if number not in taken and area(number, code))


def area(number: str, code: str) -> bool:
    """Whether a number lies in an area: its code follows the country's, of which North America's has one digit."""
    return number.startswith((f"+1{code}", f"+{code}"))


def _check(request: ApiRequest, new: Record, old: Record | None) -> Record:
    return _claimed(request, new) if old is None else _moved(request, new)


def _claimed(request: ApiRequest, new: Record) -> Record:
    """A new record with its number.

    Raises:
        RestError: 21421 no number, 21422 it cannot be had, 21452 none is left.
    """
    fields = {**new.fields}
    asked, code, kind = fields["phone_number"], fields.pop("area_code"), fields.get("type")
    if not asked and not code:
        raise RestError("PhoneNumber or AreaCode is required", code=BAD_NUMBER)
    directory, ranges = request.services.directory, request.services.config.numbers.ranges
    if asked:
        held = next((one for one in ranges if asked in one and open_to(request.account, one)), None)
        if directory.first(KIND, "phone_number", asked) or (ranges and held is None):
            raise bad("PhoneNumber", asked, UNAVAILABLE, "is not available")
    else:
        fitting = ((one, number) for one, number in free(request, code) if kind in (None, one.type))
        held, asked = next(fitting, (None, ""))
        if not asked:
            raise bad("AreaCode", code, NONE_LEFT, "has no number left")
    own = held.type if held else "local"
    if kind not in (None, own):
        raise bad("PhoneNumber", asked, UNAVAILABLE, f"is not a {kind} number")
    fields |= {"phone_number": asked, "type": own, "friendly_name": fields["friendly_name"] or formatted(asked)}
    return replace(new, fields=fields)


def _moved(request: ApiRequest, new: Record) -> Record:
    """The record in the account that the request names, where its applications are not."""
    sid = request.form.text("AccountSid", new.account_sid)
    if sid == new.account_sid:
        return new
    account, caller = request.services.accounts.get(sid), request.caller.account.sid
    if account is None or not account.active or caller not in account.lineage:
        raise bad("AccountSid", sid, BAD_ACCOUNT, "is not one of your accounts")
    return replace(new, account_sid=sid, fields={**new.fields, "voice_application_sid": "", "trunk_sid": ""})


def _show(request: ApiRequest, record: Record) -> Mapping[str, Any]:
    return {"capabilities": CAPABILITIES}


E164 = Text(16, BAD_NUMBER, pattern=r"\+[1-9][0-9]{6,14}")
FIELDS = (
    Field("PhoneNumber", E164, "", on=frozenset({CREATE})),
    Field("AreaCode", Text(6, BAD_NUMBER, pattern="[0-9]+"), "", on=frozenset({CREATE}), shown=False),
    Field("FriendlyName", Text(64, BAD_NAME), ""),
    Field("Type", default="local"),
    Field("Status", default="in-use"),
    Field("Origin", default="hosted"),
    Field("Beta", default=False),
    *VOICE,
    Field("VoiceApplicationSid", Reference("applications", "AP", BAD_APPLICATION), ""),
    Field("VoiceReceiveMode", Choice(("voice", "fax")), "voice"),
    Field("TrunkSid", Reference("trunks", "TK"), ""),
    *SMS,
    Field("SmsApplicationSid", Reference("applications", "AP", BAD_APPLICATION), ""),
    Field("AddressRequirements", default="none"),
    Field("AddressSid", Reference("addresses", "AD"), ""),
    Field("BundleSid", Text(34), ""),
    Field("IdentitySid", Text(34), ""),
    Field("EmergencyStatus", Choice(("Active", "Inactive")), "Inactive"),
    Field("EmergencyAddressSid", Reference("addresses", "AD"), ""),
    Field("EmergencyAddressStatus", default="unregistered"),
)


def _numbers(path: str = "", **only: str) -> Stored:
    return Stored(
        kind=KIND,
        path=f"IncomingPhoneNumbers{path}",
        name="IncomingPhoneNumber",
        prefix="PN",
        fields=FIELDS,
        filters=(Filter("PhoneNumber", "pattern"), Filter("FriendlyName"), Filter("Beta", "flag"), Filter("Origin")),
        subresources={"assigned_add_ons": "AssignedAddOns"} if not path else {},
        api_version=True,
        check=_check,
        show=_show,
        only=only,
        notes="claimed from `[numbers]`; `SmsUrl`, else `SmsFallbackUrl`, is told of messages; fax is kept, not used",
        operations=frozenset({"list", CREATE}) if path else ALL,
    )


NUMBERS = _numbers()
ADD_ONS = Stored(
    kind="assigned_add_ons",
    path="IncomingPhoneNumbers/{incoming_phone_number_sid}/AssignedAddOns",
    name="AssignedAddOn",
    prefix="XE",
    fields=(),
    operations=READ,
    parent=NUMBERS,
    notes="none",
)
STORED = (
    NUMBERS,
    _numbers("/Local", type="local"),
    _numbers("/Mobile", type="mobile"),
    _numbers("/TollFree", type="toll-free"),
    ADD_ONS,
)
