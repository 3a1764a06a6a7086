"""Participants of a conference: list, fetch, call in, change, remove (call-control reference §3.4)."""

from dataclasses import replace
from typing import Any
from xml.sax.saxutils import escape

from callwright import ids
from callwright.api import participation
from callwright.api.forms import Form
from callwright.api.live_paging import live_page
from callwright.api.order import read
from callwright.api.representation import date
from callwright.api.request import Answer, ApiRequest, Gone, Resource
from callwright.api.resources import conferences
from callwright.api.routes import OWN, Routes
from callwright.calls.application import ALL_EVENTS, FINAL_ONLY, Application
from callwright.calls.backdrop import Backdrop
from callwright.calls.call import Call
from callwright.calls.conference.conference import Conference
from callwright.calls.conference.participant import Participant, Reason
from callwright.calls.conference.plan import GONE, NOT_IN_CONFERENCE, ConferencePlan
from callwright.errors import RestError
from callwright.sip.leg import Leg
from callwright.twiml.characters import has_controls
from callwright.twiml.verbs.conference import LONGEST_NAME

FILTERS = ("Muted", "Hold", "Coaching")


def present(request: ApiRequest, conference: Conference, participant: Participant) -> dict[str, Any]:
    """A participant's fields."""
    path = f"{request.base}/Conferences/{conference.sid}/Participants/{participant.call_sid}"
    return {
        "account_sid": conference.account.sid,
        "call_sid": participant.call_sid,
        "label": participant.plan.label or None,
        "conference_sid": conference.sid,
        "call_sid_to_coach": participant.coach or None,
        "coaching": bool(participant.coach),
        "date_created": date(participant.created),
        "date_updated": date(participant.updated),
        "end_conference_on_exit": participant.end_on_exit,
        "muted": participant.muted,
        "hold": participant.hold,
        "start_conference_on_enter": participant.plan.start_on_enter,
        "status": str(participant.status),
        "queue_time": "0",
        "uri": f"{path}{request.suffix}",
    }


async def _of(request: ApiRequest, reference: str) -> Conference | None:
    """The live conference of a path; None when it is over.

    Raises:
        RestError: 20404 there never was one.
    """
    conference = conferences.live(request, reference)
    if conference is None:
        await conferences.find(request, reference)
    return conference


async def _find(request: ApiRequest, reference: str, call_sid: str) -> tuple[Conference, Participant]:
    conference = await _of(request, reference)
    participant = conference.find(call_sid) if conference is not None else None
    if conference is None or participant is None:
        raise request.missing()
    return conference, participant


async def listing(request: ApiRequest, conference_sid: str) -> Answer:
    """Who is in a conference, or on the way into it; nobody is in one that is over."""
    request.representable()
    conference = await _of(request, conference_sid)
    path = f"{request.base}/Conferences/{conference_sid}/Participants"
    there = list(conference.participants.values()) if conference is not None else []
    wanted = [one for one in reversed(there) if _matches(request.query, one)]

    def shown(participant: Participant) -> dict[str, Any]:
        assert conference is not None
        return present(request, conference, participant)

    return live_page(request, path, ("Participants", "participants", "Participant"), wanted, shown, FILTERS)


def _matches(query: Form, participant: Participant) -> bool:
    facts = {"Muted": participant.muted, "Hold": participant.hold, "Coaching": bool(participant.coach)}
    return all(not query.text(name) or query.boolean(name) is fact for name, fact in facts.items())


async def fetch(request: ApiRequest, conference_sid: str, call_sid: str) -> Answer:
    """One participant, by CallSid or label."""
    request.representable()
    conference, participant = await _find(request, conference_sid, call_sid)
    return Resource("Participant", present(request, conference, participant))


async def create(request: ApiRequest, conference_sid: str) -> Answer:
    """Calls somebody into a conference, which begins with that call when there is none of this name."""
    request.representable()
    form, registry = request.form, request.services.rooms.conferences
    plan = participation.read(form, await _name(request, conference_sid))
    document = f"<Response><Dial><Conference>{escape(plan.name)}</Conference></Dial></Response>"
    application = Application(
        twiml=document,
        status_callback=form.hook("StatusCallback", "StatusCallbackMethod"),
        status_events=frozenset(form.words("StatusCallbackEvent")) & ALL_EVENTS or FINAL_ONLY,
    )
    services = request.services
    order = read(
        form,
        request.account,
        services.owns,
        byoc=services.byoc,
        runs=application,
        forwarded=services.switchboard.forwarded,
    )
    expected = _Expected(request, plan, early_media=form.boolean("EarlyMedia", True))
    order = replace(order, on_call=expected.on_call, on_progress=expected.on_progress, time_limit=None)
    registry.check(request.account, plan)  # nothing comes between this and the call: place begins at once
    await request.services.switchboard.place(order)
    conference, participant = expected.there()
    return Resource("Participant", present(request, conference, participant), 201)


async def _name(request: ApiRequest, reference: str) -> str:
    """The conference's name, by its SID or as it stands."""
    if (conference := conferences.live(request, reference)) is not None:
        return conference.name
    if ids.valid(reference, ids.CONFERENCE):
        await conferences.find(request, reference)
        raise RestError("The conference is completed", code=GONE, status=404)
    if len(reference) > LONGEST_NAME or has_controls(reference):
        raise RestError("The name of the conference is not valid", code=NOT_IN_CONFERENCE)
    return reference


class _Expected:
    """A call on its way into a conference."""

    def __init__(self, request: ApiRequest, plan: ConferencePlan, *, early_media: bool) -> None:
        self._registry = request.services.rooms.conferences
        self._plan = plan
        self._early_media = early_media
        self._there: tuple[Conference, Participant] | None = None

    def on_call(self, call: Call) -> None:
        """It has been accepted."""
        conference = self._registry.expect(call, self._plan)
        self._there = conference, conference.participants[call.sid]

    def on_progress(self, leg: Leg, early_media: bool) -> None:
        """It rings: the conference hears that, when the other side lets it hear something."""
        if early_media and self._early_media and self._there is not None:
            conference, participant = self._there
            conference.early_media(participant, leg)

    def there(self) -> tuple[Conference, Participant]:
        """Where it is."""
        assert self._there is not None
        return self._there


async def update(request: ApiRequest, conference_sid: str, call_sid: str) -> Answer:
    """Changes a participant; the call hears it at once."""
    request.representable()
    form = request.form
    conference, one = await _find(request, conference_sid, call_sid)
    announcement = form.hook("AnnounceUrl", "AnnounceMethod")
    wait = participation.heard(form, "WaitUrl", "WaitMethod", "POST")
    hold_sound = participation.heard(form, "HoldUrl", "HoldMethod", "GET") or Backdrop.MUSIC
    coach = participation.coach(form)
    end_on_exit, beep_on_exit = _switch(form, "EndConferenceOnExit"), _switch(form, "BeepOnExit")
    if coach is not None:
        conference.coach(one, coach)
    conference.modify(one, end_on_exit=end_on_exit, beep_on_exit=beep_on_exit, wait=wait)
    if (muted := _switch(form, "Muted")) is not None:
        conference.mute(one, muted)
    if (hold := _switch(form, "Hold")) is not None:
        conference.hold(one, hold, hold_sound)
    if announcement is not None:
        conference.announce(announcement, one)
    return Resource("Participant", present(request, conference, one))


def _switch(form: Form, name: str) -> bool | None:
    """true, or anything else for false; None when it is not given."""
    return form.text(name).strip().lower() == "true" if name in form else None


async def remove(request: ApiRequest, conference_sid: str, call_sid: str) -> Answer:
    """Removes a participant; its call goes on with its document."""
    conference, participant = await _find(request, conference_sid, call_sid)
    conference.remove(participant, Reason.UPDATED_BY_REQUEST, kicked=True)
    return Gone()


def install(routes: Routes) -> None:
    """The paths."""
    path = f"{OWN}/Conferences/{{conference_sid}}/Participants"
    routes.add("GET", path, listing)
    routes.add("POST", path, create)
    routes.add("GET", f"{path}/{{call_sid}}", fetch)
    routes.add("POST", f"{path}/{{call_sid}}", update)
    routes.add("DELETE", f"{path}/{{call_sid}}", remove)
