"""`<Sms>` and `<Message>`: text sent beside a call (call-control reference §1.2, 14101 to 14105)."""

from dataclasses import dataclass
from typing import ClassVar, Self

from callwright.calls.application import Hook
from callwright.calls.control import CallControl, MessagePlan
from callwright.twiml.attribute import Attribute, Values, address, method, pattern
from callwright.twiml.outcome import Next, Step
from callwright.twiml.reading import Element, Reading, text_of
from callwright.twiml.verbs.verb import Verb

BAD_TO, BAD_FROM, BAD_BODY, BAD_METHOD, BAD_CALLBACK = 14101, 14102, 14103, 14104, 14105
LONGEST = 1600
_PARTY = r"\+?[0-9A-Za-z][0-9A-Za-z .()\-]{0,40}|sips?:[^\s]{1,250}|whatsapp:\+[0-9]{1,20}"

TO = pattern("to", _PARTY, code=BAD_TO)
FROM: Attribute[str] = pattern("from", _PARTY, code=BAD_FROM)
ACTION = address("action")
METHOD = method(code=BAD_METHOD)
CALLBACK = address("statusCallback", BAD_CALLBACK)


def misdirected(element: Element, values: Values) -> bool:
    """Whether a message would go to, or come from, somebody else than was meant: an address of it is a bad value."""
    return any(each.name in element.attrib and not values.given(each) for each in (TO, FROM))


@dataclass(frozen=True, slots=True)
class Message(Verb):
    """A text message; to the caller, from the called number, unless it says otherwise."""

    name: ClassVar[str] = "Message"
    attributes = (TO, FROM, ACTION, METHOD, CALLBACK)

    body: str
    to: str = ""
    from_: str = ""
    action: Hook | None = None
    callback: Hook | None = None

    @classmethod
    def parse(cls, element: Element, reading: Reading) -> Self | None:
        values = reading.values(element, cls.attributes)
        reading.children(element)
        body = text_of(element)
        callback = reading.hook(element, values[CALLBACK], "POST", BAD_CALLBACK)
        action = reading.action(element, values[ACTION], values[METHOD])
        if not body or len(body) > LONGEST:
            reading.warn(element, BAD_BODY, f"the text is not of 1 to {LONGEST} characters")
            return None
        if misdirected(element, values):
            return None
        return cls(body, values[TO], values[FROM], action, callback)

    async def execute(self, control: CallControl) -> Step:
        to, from_ = self.to or control.from_, self.from_ or control.to
        sent = await control.message(MessagePlan(to, from_, self.body, self.callback))
        if self.action is None:
            return None
        return Next(self.action, {"SmsSid": sent.sid, "SmsStatus": sent.status})


@dataclass(frozen=True, slots=True)
class Sms(Message):
    """The older name of the same."""

    name: ClassVar[str] = "Sms"
