"""The parameters that call somebody into a conference, checked one by one (call-control reference §3.4)."""

from callwright.api.errors import INVALID_PARAMETER
from callwright.api.forms import Form
from callwright.api.order import MAX_TIME_LIMIT, RECORDING_EVENTS
from callwright.calls.application import FINAL_ONLY, Hook
from callwright.calls.backdrop import Backdrop, Heard
from callwright.calls.conference.plan import (
    BAD_LABEL,
    EVENTS,
    MOST_PARTICIPANTS,
    ConferencePlan,
    ConferenceSettings,
)
from callwright.calls.control import RecordingCallback, StatusCallback
from callwright.errors import RestError
from callwright.twiml.verbs.conference import BEEPS, RECORDINGS, REGIONS, USUAL_EVENTS, label

BAD_COACH = 13240


def read(form: Form, name: str) -> ConferencePlan:
    """How the one who is called takes part.

    Args:
        name: of the conference.

    Raises:
        RestError: the first fault.
    """
    on_enter, on_exit = BEEPS[form.choice("Beep", tuple(BEEPS), default="true", code=INVALID_PARAMETER)]
    limit = form.integer("TimeLimit", 1, MAX_TIME_LIMIT, code=INVALID_PARAMETER)
    form.choice("JitterBufferSize", ("large", "medium", "small", "off"), code=INVALID_PARAMETER)
    return ConferencePlan(
        name=name,
        settings=_settings(form),
        muted=form.boolean("Muted"),
        beep_on_enter=on_enter,
        beep_on_exit=on_exit,
        start_on_enter=form.boolean("StartConferenceOnEnter", True),
        end_on_exit=form.boolean("EndConferenceOnExit"),
        label=_label(form),
        coach=coach(form) or "",
        wait=heard(form, "WaitUrl", "WaitMethod", "POST") or Backdrop.MUSIC,
        time_limit=float(limit or MAX_TIME_LIMIT),
    )


def _settings(form: Form) -> ConferenceSettings:
    hook = form.hook("ConferenceStatusCallback", "ConferenceStatusCallbackMethod")
    events = frozenset(form.words("ConferenceStatusCallbackEvent")) & EVENTS or USUAL_EVENTS
    recorded = form.hook("ConferenceRecordingStatusCallback", "ConferenceRecordingStatusCallbackMethod")
    states = frozenset(form.words("ConferenceRecordingStatusCallbackEvent")) & RECORDING_EVENTS or FINAL_ONLY
    most = form.integer("MaxParticipants", 2, MOST_PARTICIPANTS, code=INVALID_PARAMETER)
    record = form.choice("ConferenceRecord", tuple(RECORDINGS), default="false", code=INVALID_PARAMETER)
    trims = ("trim-silence", "do-not-trim")
    trim = form.choice("ConferenceTrim", trims, default="trim-silence", code=INVALID_PARAMETER)
    return ConferenceSettings(
        max_participants=most or MOST_PARTICIPANTS,
        record=RECORDINGS[record],
        trim=trim == "trim-silence",
        region=form.choice("Region", REGIONS, default="us1", code=INVALID_PARAMETER),
        callback=StatusCallback(hook, events) if hook else None,
        recording_callback=RecordingCallback(recorded, states) if recorded else None,
    )


def _label(form: Form) -> str:
    try:
        return label(form.text("Label"))
    except ValueError as fault:
        raise RestError(f"Label is not valid: {fault}", code=BAD_LABEL) from None


def coach(form: Form) -> str | None:
    """Whom a participant coaches: a CallSid, "" for nobody, None when the form does not say.

    Raises:
        RestError: 13240, coaching without saying whom; 20422, neither true nor false.
    """
    whom = form.text("CallSidToCoach")
    if "Coaching" not in form:
        return whom or None
    if not form.boolean("Coaching"):
        return ""
    if not whom:
        raise RestError("Coaching needs CallSidToCoach", code=BAD_COACH)
    return whom


def heard(form: Form, url: str, method: str, default: str) -> Heard | None:
    """What a URL parameter makes somebody hear; silence when it is empty, None when it is absent.

    Args:
        default: the method when none is given.

    Raises:
        RestError: 21205 or 21209.
    """
    if url not in form:
        return None
    hook = form.hook(url, method)
    if hook is None:
        return Backdrop.SILENCE
    return hook if form.text(method) else Hook(hook.url, default)
