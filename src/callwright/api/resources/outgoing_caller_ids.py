"""OutgoingCallerIds: numbers of others from which an account may call, validated by a call (§3.8)."""

from callwright.api.order import BAD_DIGITS
from callwright.api.request import Answer, ApiRequest, Resource
from callwright.api.resources.applications import BAD_NAME
from callwright.api.resources.calls import formatted
from callwright.api.routes import OWN, Routes
from callwright.api.stored.declaration import ALL, CREATE, Field, Filter, Stored
from callwright.api.stored.values import Text
from callwright.api.validation import KIND
from callwright.errors import RestError

BAD_NUMBER, VALIDATED, BAD_DELAY = 21401, 21450, 21454

NUMBER = Text(16, BAD_NUMBER, pattern=r"\+[1-9][0-9]{6,14}")
NAME = Text(64, BAD_NAME)
CALLER_IDS = Stored(
    kind=KIND,
    path="OutgoingCallerIds",
    name="OutgoingCallerId",
    prefix="PN",
    fields=(Field("FriendlyName", NAME), Field("PhoneNumber")),
    operations=ALL - {CREATE},
    filters=(Filter("PhoneNumber"), Filter("FriendlyName")),
    notes="created by a call that asks for the code of the answer",
)
STORED = (CALLER_IDS,)


async def validate(request: ApiRequest) -> Answer:
    """Begins the validation of a number: the answer has the code that must be typed on the call."""
    request.representable()
    form, services = request.form, request.services
    number = NUMBER.read(form.text("PhoneNumber"), "PhoneNumber", request)
    same = services.directory.matching(KIND, "phone_number", number)
    if any(one.account_sid == request.account.sid for one in same):
        raise RestError(f"{number} is already validated", code=VALIDATED)
    name = NAME.read(form.text("FriendlyName", formatted(number) or ""), "FriendlyName", request)
    delay = form.integer("CallDelay", 0, 60, code=BAD_DELAY) or 0
    extension = Text(32, BAD_DIGITS, pattern="[0-9*#wW]*").read(form.text("Extension"), "Extension", request)
    hook = form.hook("StatusCallback", "StatusCallbackMethod")
    call_sid, code = await services.validations.begin(
        request.account, number, name, hook, delay=float(delay), extension=extension
    )
    body = {
        "account_sid": request.account.sid,
        "call_sid": call_sid,
        "friendly_name": name,
        "phone_number": number,
        "validation_code": code,
    }
    return Resource("ValidationRequest", body)


def install(routes: Routes) -> None:
    """The paths that the declaration does not have."""
    routes.add("POST", f"{OWN}/OutgoingCallerIds", validate)
