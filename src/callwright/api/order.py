"""The parameters that place a call, checked one by one (call-control reference §3.2, §8.3)."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from callwright.account import Account
from callwright.api.errors import INVALID_PARAMETER
from callwright.api.forms import BAD_URL, Form
from callwright.calls.application import ALL_EVENTS, FINAL_ONLY, Application, Hook
from callwright.calls.call import Call
from callwright.calls.control import DialRecording, MachinePlan, RecordingCallback
from callwright.calls.exchange import no_application, no_gateways
from callwright.calls.order import CallOrder
from callwright.calls.outbound import NO_GATEWAY
from callwright.errors import RestError
from callwright.media.machine import Thresholds
from callwright.twiml.characters import has_controls
from callwright.twiml.verbs import sip_uri

NO_TO, NO_FROM = 21201, 21213
BAD_TO, NOT_OWNED, BAD_FROM, BAD_APPLICATION = 21211, 21210, 21212, 21218
BAD_DIGITS, BAD_TIMEOUT = 21206, 21208
BAD_SIP_USERNAME, BAD_SIP_PASSWORD, BAD_SIP_URI = 21221, 21222, 21223
LONG_SIP_HEADERS, BAD_SIP_HEADER, BAD_SIP_VALUE = 21227, 21228, 21229
BAD_MACHINE_DETECTION, NO_MACHINE_CALLBACK, BAD_MACHINE_PARAMETER = 21234, 21262, 21263
LONG_TWIML = 32018

MAX_TWIML = 4000
MAX_TIMEOUT = 600
MAX_TIME_LIMIT = 86400
MAX_CREDENTIAL = 128
CALL_REASON_LENGTH = 50
DEFAULTS = Thresholds()
RECORDING_EVENTS = frozenset({"in-progress", "completed", "absent"})

_E164 = re.compile(r"\+[1-9]\d{6,14}\Z", re.ASCII)
_DIALLED = re.compile(r"[0-9*#]{1,20}\Z")
_SEPARATORS = str.maketrans("", "", " -().")
_CLIENT = re.compile(r"client:[A-Za-z0-9_.+@%-]{1,256}(\?[\x21-\x7e]{0,2048})?\Z")
_ANYBODY = re.compile(r"[A-Za-z0-9+_.-]{1,128}\Z")
_KEYS = re.compile(r"[0-9A-D*#wW]{1,32}\Z")


def nothing_forwarded(account_sid: str, token: str) -> Call | None:
    """No call is live."""
    return None


@dataclass(frozen=True, slots=True)
class Destination:
    """Where `To` leads. `by_number`: through a trunk, so that the caller ID must be owned."""

    address: str
    by_number: bool
    headers: tuple[tuple[str, str], ...] = ()


def read(
    form: Form,
    account: Account,
    owns: Callable[[str, str], bool],
    stored: Callable[[str, str], Application | None] = no_application,
    byoc: Callable[[str, str], tuple[str, ...]] = no_gateways,
    *,
    runs: Application | None = None,
    forwarded: Callable[[str, str], Call | None] = nothing_forwarded,
) -> CallOrder:
    """The order that a form makes.

    Args:
        owns: whether an account (SID) may call from a number.
        stored: an account's stored application, by the SIDs of both.
        runs: what runs the call, when that is not the form's to say.
        byoc: the gateways of a trunk that an account brings along, by the SIDs of both.
        forwarded: the live inbound call of an account (SID) that a CallToken is of.

    Raises:
        RestError: the first fault.
    """
    destination = to(form)
    forwards = _forwards(form, lambda token: forwarded(account.sid, token))

    def owned(number: str) -> bool:
        return owns(account.sid, number) or (forwards is not None and number == forwards.from_)

    return CallOrder(
        account=account,
        to=destination.address,
        from_=from_(form, "From", destination, owned),
        application=runs or application(form, lambda sid: stored(account.sid, sid)),
        timeout=float(form.integer("Timeout", 1, MAX_TIMEOUT, code=BAD_TIMEOUT) or 60),
        time_limit=form.integer("TimeLimit", 1, MAX_TIME_LIMIT, code=INVALID_PARAMETER),
        send_digits=_send_digits(form),
        record=_recording(form),
        caller_id=_caller_id(form, destination, owned),
        sip_username=_credential(form, "SipAuthUsername", BAD_SIP_USERNAME),
        sip_password=_credential(form, "SipAuthPassword", BAD_SIP_PASSWORD),
        headers=destination.headers,
        machine=_machine(form),
        through=_through(form, lambda sid: byoc(account.sid, sid)),
        reason=_reason(form),
        forwards=forwards,
    )


def to(form: Form) -> Destination:
    """The party to call.

    Raises:
        RestError: 21201, 21211 or 21223..21229.
    """
    text = form.text("To").strip()
    if not text:
        raise RestError("No 'To' number is specified", code=NO_TO)
    if text.lower().startswith(("sip:", "sips:")):
        return _sip(text)
    if _CLIENT.match(text):
        return Destination(text, by_number=False)
    number = text.translate(_SEPARATORS)
    if not (_E164.match(number) or _DIALLED.match(number)):
        raise RestError(f"The phone number you are attempting to call, {_shown(text)}, is not valid", code=BAD_TO)
    return Destination(number, by_number=True)


def _sip(text: str) -> Destination:
    try:
        uri, query = sip_uri.split(text)
    except ValueError as fault:
        raise RestError(f"The SIP URI {_shown(text)} is not valid: {fault}", code=BAD_SIP_URI) from None
    fields = sip_uri.query_fields(query)
    for name, value in fields:
        if not sip_uri.allowed_name(name):
            raise RestError(f"The SIP header {_shown(name)} may not be set", code=BAD_SIP_HEADER)
        if not sip_uri.allowed_value(value):
            raise RestError(f"The value of the SIP header {_shown(name)} is not valid", code=BAD_SIP_VALUE)
    if sum(len(name) + len(value) for name, value in fields) >= sip_uri.LONGEST_HEADERS:
        raise RestError("The SIP headers of the URI are too long", code=LONG_SIP_HEADERS)
    return Destination(uri, by_number=False, headers=tuple(fields))


def from_(form: Form, name: str, destination: Destination, owned: Callable[[str], bool]) -> str:
    """The caller. Who calls a number must own the number that is shown; a SIP party may be shown any name.

    Raises:
        RestError: 21213, 21212 or 21210.
    """
    text = form.text(name).strip()
    if not text:
        raise RestError(f"No '{name}' number is specified", code=NO_FROM)
    number = text.translate(_SEPARATORS)
    for spelled in (text, number):
        if owned(spelled):
            return spelled
    if not destination.by_number:
        if _CLIENT.match(text) or _ANYBODY.match(text):
            return text
        if text.lower().startswith("sip:"):
            try:
                return sip_uri.split(text)[0]
            except ValueError:
                pass
    elif _E164.match(number) or _DIALLED.match(number):
        raise RestError(
            f"The source phone number provided, {_shown(text)}, is not one of your account's numbers", code=NOT_OWNED
        )
    raise RestError(f"The source phone number provided, {_shown(text)}, is not valid", code=BAD_FROM)


def document(form: Form) -> tuple[Hook | None, str | None]:
    """What to run: `Url` before `Twiml`; nothing when neither is given.

    Raises:
        RestError: 21205, 21209 or 32018.
    """
    hook = form.hook("Url", "Method")
    twiml = form.text("Twiml")
    if hook:
        return hook, None
    if len(twiml) > MAX_TWIML:
        raise RestError(f"Twiml is longer than {MAX_TWIML} characters", code=LONG_TWIML)
    return None, twiml or None


def application(form: Form, stored: Callable[[str], Application | None]) -> Application:
    """What runs the call, and who hears of it. A stored application goes before everything that the form says of it.

    Raises:
        RestError: 21205, 21209, 21218 or 32018.
    """
    if sid := form.text("ApplicationSid"):
        if (found := stored(sid)) is not None:
            return replace(found, status_events=_events(form))
        raise RestError(f"ApplicationSid {_shown(sid)} is not an application of this account", code=BAD_APPLICATION)
    voice, twiml = document(form)
    if voice is None and twiml is None:
        raise RestError("One of Url, Twiml and ApplicationSid is required", code=BAD_URL)
    return Application(
        voice=voice,
        twiml=twiml,
        fallback=form.hook("FallbackUrl", "FallbackMethod"),
        status_callback=form.hook("StatusCallback", "StatusCallbackMethod"),
        status_events=_events(form),
    )


def _events(form: Form) -> frozenset[str]:
    return frozenset(form.words("StatusCallbackEvent")) & ALL_EVENTS or FINAL_ONLY


def _caller_id(form: Form, destination: Destination, owned: Callable[[str], bool]) -> str:
    return from_(form, "CallerId", destination, owned) if form.text("CallerId").strip() else ""


def _through(form: Form, byoc: Callable[[str], tuple[str, ...]]) -> tuple[str, ...]:
    sid = form.text("Byoc")
    found = byoc(sid) if sid else ()
    if sid and not found:
        why = "is not a trunk of this account whose connection policy has an enabled target"
        raise RestError(f"Byoc {_shown(sid)} {why}", code=NO_GATEWAY)
    return found


def _forwards(form: Form, forwarded: Callable[[str], Call | None]) -> Call | None:
    token = form.text("CallToken")
    found = forwarded(token) if token else None
    if token and found is None:
        raise RestError("CallToken is not of a live inbound call of this account", code=INVALID_PARAMETER)
    return found


def _reason(form: Form) -> str:
    reason = form.text("CallReason").strip()
    if len(reason) > CALL_REASON_LENGTH or has_controls(reason):
        raise RestError(f"CallReason has more than {CALL_REASON_LENGTH} printable characters", code=INVALID_PARAMETER)
    return reason


def _send_digits(form: Form) -> str:
    keys = form.text("SendDigits")
    if keys and not _KEYS.match(keys):
        raise RestError("SendDigits may hold at most 32 of 0-9 A-D # * w W", code=BAD_DIGITS)
    return keys


def _recording(form: Form) -> DialRecording | None:
    recording = background(form, trim="trim-silence")
    return recording if form.boolean("Record") else None


def background(form: Form, *, trim: str = "do-not-trim") -> DialRecording:
    """How a whole call is to be recorded.

    Args:
        trim: what it is when the form does not say.

    Raises:
        RestError: 21205, 21209 or 20422.
    """
    hook = form.hook("RecordingStatusCallback", "RecordingStatusCallbackMethod")
    channels = form.choice("RecordingChannels", ("mono", "dual"), default="mono", code=INVALID_PARAMETER)
    track = form.choice("RecordingTrack", ("inbound", "outbound", "both"), default="both", code=INVALID_PARAMETER)
    trimmed = form.choice("Trim", ("trim-silence", "do-not-trim"), default=trim, code=INVALID_PARAMETER)
    events = frozenset(form.words("RecordingStatusCallbackEvent")) & RECORDING_EVENTS
    callback = RecordingCallback(hook, events or FINAL_ONLY) if hook else None
    return DialRecording(dual=channels == "dual", trim=trimmed == "trim-silence", track=track, callback=callback)


def _credential(form: Form, name: str, code: int) -> str:
    value = form.text(name)
    if len(value) > MAX_CREDENTIAL or not value.isprintable() or '"' in value:
        raise RestError(f"{name} is not valid", code=code)
    return value


def _machine(form: Form) -> MachinePlan | None:
    """How it is told who answers. With keys to send nobody listens (call-control reference §3.2)."""
    detection = form.choice("MachineDetection", ("Enable", "DetectMessageEnd"), code=BAD_MACHINE_DETECTION)
    thresholds = Thresholds(
        to_end=detection == "DetectMessageEnd",
        timeout=1000 * (form.integer("MachineDetectionTimeout", 3, 59, code=BAD_MACHINE_PARAMETER) or 30),
        speech=_milliseconds(form, "SpeechThreshold", 1000, 6000) or DEFAULTS.speech,
        speech_end=_milliseconds(form, "SpeechEndThreshold", 500, 5000) or DEFAULTS.speech_end,
        silence=_milliseconds(form, "SilenceTimeout", 2000, 10000) or DEFAULTS.silence,
    )
    beside = form.boolean("AsyncAmd")
    callback = form.hook("AsyncAmdStatusCallback", "AsyncAmdStatusCallbackMethod")
    if not detection or form.text("SendDigits"):
        return None
    if beside and callback is None:
        raise RestError("AsyncAmd needs an AsyncAmdStatusCallback", code=NO_MACHINE_CALLBACK)
    return MachinePlan(thresholds, wait=not beside, callback=callback if beside else None)


def _milliseconds(form: Form, name: str, low: int, high: int) -> int | None:
    return form.integer(f"MachineDetection{name}", low, high, code=BAD_MACHINE_PARAMETER)


def _shown(text: str) -> str:
    """What a message repeats of a request: bounded, and without what could end a line."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text[:100])
