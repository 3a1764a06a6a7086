"""Text messages that a gateway delivers: our own resource, beside the dialect's Messages.

The form is what an application is told of a message, and what `[messages] gateway` gets of one that goes out: From, To,
Body, MediaUrl0, MediaContentType0 and so on.
"""

from callwright.api.forms import Form
from callwright.api.request import Answer, ApiRequest, Resource
from callwright.api.resources.messages import (
    BAD_MEDIA,
    BODY,
    MEDIA_URL,
    MOST_MEDIA,
    NO_BODY,
    NO_FROM,
    NO_TO,
    PARTY,
    present,
)
from callwright.api.routes import OWN, Routes
from callwright.api.stored.values import Text
from callwright.calls.arrivals import Arrived
from callwright.calls.numbers import Number, Numbers
from callwright.errors import RestError

NOT_OURS = 21211
CONTENT_TYPE = Text(128)


async def create(request: ApiRequest) -> Answer:
    """Takes a message for a number of the account; its application is told, if it has one."""
    request.representable()
    services = request.services
    number = _number(request)
    row = services.arrivals.take(request.account, _arrived(request, number.number), number.message)
    await services.arrivals.kept()
    return Resource("Message", present(request, row), 201)


def _number(request: ApiRequest) -> Number:
    to = request.form.text("To").strip()
    if not to:
        raise RestError("A 'To' phone number is required", code=NO_TO)
    number = Numbers(request.services.directory).find(to)
    if number is None or number.account_sid != request.account.sid:
        raise RestError("The 'To' phone number is none of this account", code=NOT_OURS)
    return number


def _arrived(request: ApiRequest, to: str) -> Arrived:
    form = request.form
    from_, body, media = form.text("From"), form.text("Body"), _media(form, request)
    if not from_:
        raise RestError("A 'From' phone number is required", code=NO_FROM)
    if not body and not media:
        raise RestError("Message body or media is required", code=NO_BODY)
    return Arrived(
        from_=PARTY.read(from_, "From", request),
        to=to,
        body=BODY.read(body, "Body", request) if body else "",
        media=media,
    )


def _media(form: Form, request: ApiRequest) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    while url := form.text(name := f"MediaUrl{len(found)}"):
        if len(found) == MOST_MEDIA:
            raise RestError(f"More than {MOST_MEDIA} MediaUrl", code=BAD_MEDIA)
        kind = f"MediaContentType{len(found)}"
        found.append((MEDIA_URL.read(url, name, request), CONTENT_TYPE.read(form.text(kind), kind, request)))
    return found


def install(routes: Routes) -> None:
    """The path."""
    routes.add("POST", f"{OWN}/InboundMessages", create)
