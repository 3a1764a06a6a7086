"""What works of the API, resource by operation, as the README shows it: made from the routes and declarations."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from callwright.api.catalogue import STORED, routes
from callwright.api.routes import OWN

BEGIN, END = "<!-- resources: made by callwright.api.matrix -->", "<!-- /resources -->"
OPERATIONS = ("list", "create", "fetch", "update", "delete")
WORDS = {"stable": "works", "partly": "partly", "not": "not"}
SINGLE = ("Annotation", "Balance", "Recording", "Settings", "Summary")
"""Resources that are one, without a list."""

COUNTED = (
    "calls of every kind, trunking, progress events, conferences, recordings, transcriptions, machine detection, "
    "numbers; others are 0"
)
HANDLED: Mapping[str, tuple[str, str]] = {
    "Accounts": ("stable", "subaccounts, by their own or the owner's credentials; suspended, closed"),
    "AuthorizedConnectApps": ("stable", "none"),
    "AvailablePhoneNumbers": ("stable", "countries of `[numbers]`"),
    "AvailablePhoneNumbers/{country_code}/Local": ("stable", "what is free of `[numbers]`"),
    "AvailablePhoneNumbers/{country_code}/Mobile": ("stable", "what is free of `[numbers]`"),
    "AvailablePhoneNumbers/{country_code}/TollFree": ("stable", "what is free of `[numbers]`"),
    "Balance": ("partly", "nothing is charged"),
    "Calls": ("stable", "update: Url, Twiml, Status, callbacks, TimeLimit"),
    "Calls/{call_sid}/Events": ("stable", "`Kind=all`: every step"),
    "Calls/{call_sid}/Notifications": ("stable", ""),
    "Calls/{call_sid}/Recordings": ("stable", "update: pause, continue, stop; `Twilio.CURRENT` too"),
    "Conferences": ("stable", "update: Status, AnnounceUrl"),
    "Conferences/{conference_sid}/Participants": ("stable", "by CallSid or label"),
    "Conferences/{conference_sid}/Recordings": ("stable", "update: pause, continue, stop"),
    "ConnectApps": ("stable", "none"),
    "InboundMessages": ("stable", "ours: a gateway delivers a message to a number; `From`, `To`, `Body`, `MediaUrl0`"),
    "Messages": ("stable", "over SIP, or by `[messages] gateway`; what applications are sent; update: an empty Body"),
    "Messages/{message_sid}/Media": ("partly", "none are kept: the gateway, and the application, fetch them"),
    "Notifications": ("stable", "kept for `[server] alert_days`"),
    "Queues": ("stable", ""),
    "Queues/{queue_sid}/Members": ("stable", "`Front` too"),
    "Recordings/{recording_sid}/AddOnResults": ("stable", "none"),
    "Recordings/{recording_sid}/Transcriptions": ("stable", "of `<Record transcribe>`"),
    "Recordings": ("stable", "media as `.wav` and `.mp3`, mono or dual"),
    "SIP/MessageWaiting": (
        "stable",
        "ours: what waits in mailboxes of users, and in shared ones; nothing of the reference's",
    ),
    "SMS/ShortCodes": ("stable", "none"),
    "Tokens": ("stable", "`[turn]`, with credentials of its shared secret"),
    "Transcriptions": ("stable", "text alone as `.txt`"),
    "Usage/Records": ("partly", COUNTED),
    **{
        f"Usage/Records/{kind}": ("partly", "the same")
        for kind in ("AllTime", "Daily", "LastMonth", "Monthly", "ThisMonth", "Today", "Yearly", "Yesterday")
    },
    "/v1/Alerts": ("stable", "the notifications, as monitor v1 has them"),
    "/v1/Archives/{date}/Calls": ("stable", "as Calls"),
    "/v1/AuthTokens/Promote": ("stable", "of subaccounts; a declared account's token is the file's"),
    "/v1/AuthTokens/Secondary": ("stable", "of subaccounts"),
    "/v1/Conferences": ("stable", "insights of conferences"),
    "/v1/Conferences/{conference_sid}/Participants": ("stable", "who took part, live and over; by CallSid too"),
    "/v1/DialingPermissions/BulkCountryUpdates": ("stable", ""),
    "/v1/DialingPermissions/Countries": ("stable", "special and toll-fraud numbers: only where enabled (21215, 13227)"),
    "/v1/DialingPermissions/Countries/{iso_code}/HighRiskSpecialPrefixes": ("stable", "a table of ours"),
    "/v1/Events": ("stable", "audit log: what requests change of stored resources, and delete; secrets are hidden"),
    "/v1/Settings": ("stable", "inheritance of the permissions"),
    "/v1/Trunks/{trunk_sid}/PhoneNumbers": ("stable", "calls to them go to the trunk's origination URLs"),
    "/v1/Trunks/{trunk_sid}/Recording": ("stable", "of its calls, both ways; the source is `Trunking`"),
    "/v1/Voice": ("stable", "insights of a call"),
    "/v1/Voice/Settings": ("stable", "kept; all insights are always there"),
    "/v1/Voice/Summaries": ("stable", "all filters but those of branded calls and voice integrity"),
    "/v1/Voice/{call_sid}/Annotation": ("stable", ""),
    "/v1/Voice/{call_sid}/Events": ("stable", "the steps of the call, in our own names"),
    "/v1/Voice/{call_sid}/Metrics": ("partly", "cumulative: one a direction for the whole call"),
    "/v1/Voice/{call_sid}/Summary": ("partly", "what the call's record has; a trunk is the carrier"),
    "/v2/PhoneNumbers": ("partly", "kept: a daemon is one region"),
    "/v2/SipDomains": ("partly", "kept: a daemon is one region"),
    "/v2/Trunks": ("partly", "kept: a daemon is one region"),
}
"""Maturity and notes of the resources that no declaration describes."""


DECLARED: Mapping[str, tuple[str, str]] = {stored.path: (stored.maturity, stored.notes) for stored in STORED}


@dataclass(slots=True)
class Line:
    """A resource and what may be done with it."""

    path: str
    state: str
    notes: str
    operations: set[str] = field(default_factory=set)


def lines() -> list[Line]:
    """All resources by path.

    Raises:
        KeyError: nobody has said how mature one is.
    """
    found: dict[str, Line] = {}
    for route, handlers in routes().walk():
        path = route.replace(OWN, "Accounts/{account_sid}", 1) if route == OWN else route.removeprefix(f"{OWN}/")
        whole, instance = (path.rpartition("/")[0], True) if path.endswith("}") else (path, False)
        single = path.rpartition("/")[2] in SINGLE
        for method in handlers:
            names = {"GET": "fetch", "POST": "update"} if instance or single else {"GET": "list", "POST": "create"}
            operation = "delete" if method == "DELETE" else names[method]
            if whole not in found:
                found[whole] = Line(whole, *(DECLARED.get(whole) or HANDLED[whole]))
            found[whole].operations.add(operation)
    return sorted(found.values(), key=lambda line: (line.path.startswith("/"), line.path))


def markdown() -> str:
    """The table."""
    head = [f"| Resource | {' | '.join(OPERATIONS)} | |", "|---" * (len(OPERATIONS) + 2) + "|"]
    body = []
    for line in lines():
        word = WORDS[line.state]
        cells = " | ".join(word if operation in line.operations else "" for operation in OPERATIONS)
        body.append(f"| {line.path} | {cells} | {line.notes} |")
    return "\n".join([BEGIN, *head, *body, END])


def placed(readme: str) -> str:
    """A README with the table in its place."""
    before, _, rest = readme.partition(BEGIN)
    return before + markdown() + rest.partition(END)[2]
