"""Lists of the summaries of calls, and by what they are chosen and sorted (call-control reference §3.18)."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from sqlalchemy import Column, ColumnElement, and_, false, func, not_, or_
from sqlalchemy import Float as Floating

from callwright import clock
from callwright.api.errors import invalid
from callwright.api.forms import Form
from callwright.api.paging import Listing, span
from callwright.api.request import Answer, ApiRequest
from callwright.api.resources.insights import HIGH_JITTER_MS, HIGH_LOSS_PERCENT, LOW_MOS, STATES, summary
from callwright.api.routes import Routes
from callwright.api.v1 import enveloped
from callwright.calls.attestation import PASSED
from callwright.calls.countries import COUNTRIES
from callwright.calls.status import INWARD
from callwright.store.tables import calls
from callwright.store.usage import TRUNKING

PATH = "/v1/Voice/Summaries"
ANNOTATED = {
    "AnsweredByAnnotation": "answered_by",
    "ConnectivityIssueAnnotation": "connectivity_issue",
    "QualityIssueAnnotation": "quality_issues",
    "SpamAnnotation": "spam",
    "CallScoreAnnotation": "call_score",
}
FILTERS = (
    *("From", "To", "FromCarrier", "ToCarrier", "FromCountryCode", "ToCountryCode", "VerifiedCaller", "HasTag"),
    *("StartTime", "EndTime"),
    *("CallType", "CallState", "Direction", "ProcessingState", "SortBy", "Subaccount", "AbnormalSession", "AnsweredBy"),
    *ANNOTATED,
)
LIST = Listing(calls, "Summaries", "call_summaries", "Summary", FILTERS)
MOST_ANNOTATED = 30_000
"""Calls that may be named in one query: the database takes no more."""
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"(\d{1,6})([mhdw])\Z")

Condition = ColumnElement[bool]


async def summaries(request: ApiRequest) -> Answer:
    """Summaries of the account's calls, newest first: by their beginning, or by their end."""
    query = request.query
    conditions = [calls.c.account_sid == whose(request)]
    for chosen in (_parties, _facts, _states, _times, _sound):
        conditions += chosen(query)
    conditions += _annotated(request)
    by = {"": "date_created", "start_time": "date_created", "end_time": "end_time"}
    if (sort := query.text("SortBy")) not in by:
        raise invalid("SortBy", sort[:64])
    found = await LIST.page(request, PATH, conditions, lambda row: summary(request, row), by=by[sort])
    return enveloped(found, request.services.public_url)


def whose(request: ApiRequest) -> str:
    """The account whose calls are asked for: the caller's, or a subaccount of it.

    Raises:
        RestError: 20404, the subaccount is none of the caller's.
    """
    sid = request.query.text("Subaccount") or request.account.sid
    account = request.services.accounts.get(sid)
    if account is None or request.account.sid not in account.lineage:
        raise request.missing()
    return sid


def _flag(query: Form, name: str) -> bool | None:
    """Whether a filter asks for what is so, or for what is not; None when it is not there.

    Raises:
        RestError: 20422.
    """
    text = query.text(name).lower()
    if text not in ("", "true", "false"):
        raise invalid(name, text[:64])
    return text == "true" if text else None


def _parties(query: Form) -> Iterator[Condition]:
    inward = calls.c.direction.in_([str(one) for one in INWARD])
    for name, theirs in (("From", inward), ("To", not_(inward))):
        column = calls.c[name.lower()]
        if address := query.text(name):
            yield column == address
        if carrier := query.text(f"{name}Carrier"):
            yield and_(theirs, calls.c.trunk == carrier)
        if country := query.text(f"{name}CountryCode"):
            yield _lies_in(column, country.upper())


def _lies_in(column: Column[str], iso: str) -> Condition:
    """Whether a number may lie in a country: the longest calling code decides, as in `countries.countries_of`."""
    if iso not in COUNTRIES:
        return false()
    every = {code for country in COUNTRIES.values() for code in country.codes}
    own = set(COUNTRIES[iso].codes)
    longer = {one for one in every - own if any(one.startswith(code) for code in own)}
    within = or_(*(column.like(f"+{code}%") for code in sorted(own)))
    return and_(within, *(not_(column.like(f"+{code}%")) for code in sorted(longer)))


def _facts(query: Form) -> Iterator[Condition]:
    """Who answered, which way a call went, and how its signalling ended."""
    if who := query.text("AnsweredBy"):
        yield calls.c.answered_by == who
    if direction := query.text("Direction"):
        yield calls.c.direction == direction.replace("_", "-")
    if kind := query.text("CallType"):
        yield _kinds().get(kind, false())
    if (verified := _flag(query, "VerifiedCaller")) is not None:
        passed = func.coalesce(calls.c.verstat, "").like(f"{PASSED}%")
        yield passed if verified else not_(passed)
    if (abnormal := _flag(query, "AbnormalSession")) is not None:
        fine = func.coalesce(calls.c.sip_code, 0) == 200
        yield and_(calls.c.end_time.is_not(None), not_(fine) if abnormal else fine)


def _kinds() -> dict[str, Condition]:
    """As `insights.kind_of` tells calls apart."""
    parties = (calls.c["from"], calls.c.to)
    trunking = calls.c.direction.in_(list(TRUNKING))
    client = or_(*(party.like("client:%") for party in parties))
    carried = or_(calls.c.trunk.is_not(None), not_(or_(*(party.like("sip%") for party in parties))))
    return {
        "trunking": trunking,
        "client": and_(not_(trunking), client),
        "carrier": and_(not_(trunking), not_(client), carried),
        "sip": and_(not_(trunking), not_(client), not_(carried)),
    }


def _states(query: Form) -> Iterator[Condition]:
    """The state of a call, and of its summary."""
    if wanted := query.text("CallState"):
        spelled = {state: [state] for state in ("ringing", "completed", "busy", "canceled")}
        for status, state in STATES.items():
            spelled.setdefault(state, []).append(status)
        yield calls.c.status.in_(spelled.get(wanted, []))
    state = query.text("ProcessingState")
    if state in ("complete", "completed"):
        yield calls.c.end_time.is_not(None)
    elif state in ("partial", "started"):
        yield calls.c.end_time.is_(None)
    elif state not in ("", "all"):
        raise invalid("ProcessingState", state[:64])


def _times(query: Form) -> Iterator[Condition]:
    if begun := query.text("StartTime"):
        yield calls.c.start_time >= _moment(begun, "StartTime")
    if ended := query.text("EndTime"):
        yield calls.c.end_time <= _moment(ended, "EndTime")


def _moment(text: str, name: str) -> datetime:
    """A date or time, or how long ago: `30m`, `4h`, `3d`, `1w`.

    Raises:
        RestError: 20422.
    """
    if (ago := _AGO.match(text.strip())) is None:
        return span(text, name)[0]
    try:
        return clock.now() - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    except OverflowError:
        raise invalid(name, text[:64]) from None


def tagged() -> dict[str, Condition]:
    """By tag: that a call's sound had this fault, as `insights.tags` finds it."""

    def figure(*path: str) -> ColumnElement[float]:
        return func.coalesce(calls.c.statistics[path].as_float(), 0.0, type_=Floating)

    def either(fault: Callable[[str], Condition]) -> Condition:
        return and_(calls.c.statistics.is_not(None), or_(fault("rx"), fault("tx")))

    def lost(part: str) -> Condition:
        every = func.nullif(figure(part, "packets") + figure(part, "lost"), 0)
        return func.coalesce(func.round(100.0 * figure(part, "lost") / every, 2), 0.0) > HIGH_LOSS_PERCENT

    return {
        "silent": and_(calls.c.statistics.is_not(None), figure("rx", "packets") == 0),
        "high_jitter": either(lambda part: figure(part, "jitter_ms") > HIGH_JITTER_MS),
        "high_packet_loss": either(lost),
        "low_mos": either(lambda part: and_(figure("mos", part) != 0, figure("mos", part) < LOW_MOS)),
    }


def _sound(query: Form) -> Iterator[Condition]:
    """Whether anything was wrong with a call's sound."""
    if (wanted := _flag(query, "HasTag")) is not None:
        found = or_(*tagged().values())
        yield found if wanted else not_(found)


def _annotated(request: ApiRequest) -> Iterator[Condition]:
    """What somebody has said of the calls."""
    wanted = {key: value for name, key in ANNOTATED.items() if (value := request.query.text(name).lower())}
    if not wanted:
        return

    def says(value: object, asked: str) -> bool:
        if isinstance(value, list):
            return asked in value
        return value is not None and str(value).lower() == asked

    said = request.services.directory.of("annotations", request.account.sid)
    fitting = [one.parent_sid for one in said if all(says(one[key], value) for key, value in wanted.items())]
    yield calls.c.sid.in_(fitting[-MOST_ANNOTATED:])


def install(routes: Routes) -> None:
    """The path."""
    routes.add("GET", PATH, summaries)
