"""Queues: create, list, fetch, change, delete (call-control reference §3.5)."""

from typing import Any

from callwright.api import errors
from callwright.api.forms import Form
from callwright.api.paging import Listing
from callwright.api.representation import date
from callwright.api.request import Answer, ApiRequest, Gone, Resource
from callwright.api.routes import OWN, Routes
from callwright.calls.queue.plan import LONGEST_NAME, MOST_MEMBERS, USUAL_SIZE
from callwright.calls.queue.queue import Queue
from callwright.errors import RestError
from callwright.store.sqlite import Row
from callwright.store.tables import queues
from callwright.twiml.characters import has_controls

LIST = Listing(queues, "Queues", "queues", "Queue")
BAD_NAME = 20002
CONFLICT = 22003
"""The name is in use, or somebody waits in a queue that is to be deleted."""


def present(request: ApiRequest, queue: Queue) -> dict[str, Any]:
    """A queue's fields."""
    path = f"{request.base}/Queues/{queue.sid}"
    return {
        "sid": queue.sid,
        "account_sid": queue.account_sid,
        "friendly_name": queue.name,
        "current_size": len(queue.members),
        "max_size": queue.max_size,
        "average_wait_time": queue.average_wait,
        "date_created": date(queue.created),
        "date_updated": date(queue.updated),
        "uri": f"{path}{request.suffix}",
        "subresource_uris": {"queue_members": f"{path}/Members{request.suffix}"},
    }


def find(request: ApiRequest, queue_sid: str) -> Queue:
    """A queue of this account.

    Raises:
        RestError: 20404.
    """
    queue = request.services.rooms.queues.get(request.account.sid, queue_sid)
    if queue is None:
        raise request.missing()
    return queue


def _name(request: ApiRequest, form: Form, but: str = "") -> str:
    """The name that a form gives; "" for none. `but`: the name that the queue has."""
    name = form.text("FriendlyName").strip()
    if len(name) > LONGEST_NAME or has_controls(name):
        raise RestError(f"FriendlyName may have at most {LONGEST_NAME} printable characters", code=BAD_NAME)
    if name != but and request.services.rooms.queues.find(request.account.sid, name) is not None:
        raise RestError("A queue of this FriendlyName exists already", code=CONFLICT)
    return name


def _size(form: Form) -> int | None:
    return form.integer("MaxSize", 1, MOST_MEMBERS, code=errors.INVALID_PARAMETER)


async def create(request: ApiRequest) -> Answer:
    """Makes a queue."""
    request.representable()
    name, size = _name(request, request.form), _size(request.form)
    if not name:
        raise RestError("FriendlyName is required", code=BAD_NAME)
    store = request.services.store
    queue = request.services.rooms.queues.open(store, request.account.sid, name, size or USUAL_SIZE)
    await store.flushed()
    return Resource("Queue", present(request, queue), 201)


async def fetch(request: ApiRequest, queue_sid: str) -> Answer:
    """One queue."""
    request.representable()
    return Resource("Queue", present(request, find(request, queue_sid)))


async def update(request: ApiRequest, queue_sid: str) -> Answer:
    """Renames a queue, or changes how many may wait in it."""
    request.representable()
    queue = find(request, queue_sid)
    name, size = _name(request, request.form, but=queue.name), _size(request.form)
    if name and name != queue.name:
        request.services.rooms.queues.rename(queue, name)
    if size is not None:
        queue.change(max_size=size)
    await request.services.store.flushed()
    return Resource("Queue", present(request, queue))


async def remove(request: ApiRequest, queue_sid: str) -> Answer:
    """Deletes a queue in which nobody waits."""
    queue = find(request, queue_sid)
    if not queue.idle:
        raise RestError("The queue is not empty: it cannot be deleted", code=CONFLICT)
    store = request.services.store
    request.services.rooms.queues.delete(store, queue)
    await store.flushed()
    return Gone()


async def listing(request: ApiRequest) -> Answer:
    """The account's queues, newest first."""
    request.representable()
    registry, store = request.services.rooms.queues, request.services.store

    def shown(row: Row) -> dict[str, Any]:
        # one that has been deleted since the row was read is shown as it was
        return present(request, registry.get(row["account_sid"], row["sid"]) or Queue(store, dict(row)))

    return await LIST.page(request, f"{request.base}/Queues", [queues.c.account_sid == request.account.sid], shown)


def install(routes: Routes) -> None:
    """The paths."""
    routes.add("GET", f"{OWN}/Queues", listing)
    routes.add("POST", f"{OWN}/Queues", create)
    routes.add("GET", f"{OWN}/Queues/{{queue_sid}}", fetch)
    routes.add("POST", f"{OWN}/Queues/{{queue_sid}}", update)
    routes.add("DELETE", f"{OWN}/Queues/{{queue_sid}}", remove)
