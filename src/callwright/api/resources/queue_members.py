"""Members of a queue: list, fetch, take out (call-control reference §3.5)."""

from typing import Any

from callwright.api.forms import BAD_URL
from callwright.api.live_paging import live_page
from callwright.api.representation import date
from callwright.api.request import Answer, ApiRequest, Resource
from callwright.api.resources import queues
from callwright.api.routes import OWN, Routes
from callwright.calls.queue.queue import Member
from callwright.errors import RestError

FRONT = "Front"


def present(request: ApiRequest, member: Member) -> dict[str, Any]:
    """A member's fields."""
    path = f"{request.base}/Queues/{member.queue.sid}/Members/{member.call.sid}"
    return {
        "call_sid": member.call.sid,
        "queue_sid": member.queue.sid,
        "date_enqueued": date(member.entered),
        "position": member.position,
        "wait_time": member.seconds,
        "uri": f"{path}{request.suffix}",
    }


def _find(request: ApiRequest, queue_sid: str, call_sid: str) -> Member:
    """A member by its CallSid, or the first one."""
    members = queues.find(request, queue_sid).members
    found = next((one for one in members if call_sid in (FRONT, one.call.sid)), None)
    if found is None:
        raise request.missing()
    return found


async def listing(request: ApiRequest, queue_sid: str) -> Answer:
    """Who waits, the first one first."""
    request.representable()
    members = queues.find(request, queue_sid).members
    path = f"{request.base}/Queues/{queue_sid}/Members"
    names = ("QueueMembers", "queue_members", "QueueMember")
    return live_page(request, path, names, members, lambda member: present(request, member))


async def fetch(request: ApiRequest, queue_sid: str, call_sid: str) -> Answer:
    """One who waits."""
    request.representable()
    return Resource("QueueMember", present(request, _find(request, queue_sid, call_sid)))


async def update(request: ApiRequest, queue_sid: str, call_sid: str) -> Answer:
    """Takes a call out of the queue and gives it another document."""
    request.representable()
    hook = request.form.hook("Url", "Method")
    member = _find(request, queue_sid, call_sid)
    if hook is None:
        raise RestError("Url is required", code=BAD_URL)
    shown = present(request, member)
    await request.services.switchboard.redirect(member.call.sid, hook=hook, twiml=None)
    return Resource("QueueMember", shown)


def install(routes: Routes) -> None:
    """The paths."""
    path = f"{OWN}/Queues/{{queue_sid}}/Members"
    routes.add("GET", path, listing)
    routes.add("GET", f"{path}/{{call_sid}}", fetch)
    routes.add("POST", f"{path}/{{call_sid}}", update)
