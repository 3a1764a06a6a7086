"""`<Refer>`: asks the caller's phone to call somebody else (call-control reference §1.10)."""

from dataclasses import dataclass
from typing import ClassVar, Self

from callwright.calls.application import Hook
from callwright.calls.control import CallControl, ReferPlan, Referred
from callwright.twiml.attribute import SCHEMA_WARNING, address, method
from callwright.twiml.outcome import Finish, Next, Step
from callwright.twiml.reading import Element, Reading, text_of
from callwright.twiml.verbs import sip
from callwright.twiml.verbs.verb import Verb

ACTION = address("action")
METHOD = method()


@dataclass(frozen=True, slots=True)
class Refer(Verb):
    """A transfer of the caller to a SIP URI."""

    name: ClassVar[str] = "Refer"
    attributes = (ACTION, METHOD)

    plan: ReferPlan
    action: Hook | None = None

    @classmethod
    def parse(cls, element: Element, reading: Reading) -> Self | None:
        values = reading.values(element, cls.attributes)
        reading.no_text(element)
        nouns = reading.children(element, frozenset({"Sip"}))
        action = reading.action(element, values[ACTION], values[METHOD])
        if not nouns:
            reading.warn(element, sip.BAD_URI, "no <Sip> to refer the caller to")
            return None
        for further in nouns[1:]:
            reading.warn(further, SCHEMA_WARNING, "a caller is referred to one <Sip>")
        reading.values(nouns[0], ())
        reading.children(nouns[0])
        party = sip.target(nouns[0], text_of(nouns[0]), reading)
        return cls(ReferPlan(party.uri, party.headers), action) if party else None

    async def execute(self, control: CallControl) -> Step:
        referred = await control.refer(self.plan)
        if self.action is not None:
            return Next(self.action, parameters(referred), final=referred.hung_up)
        return Finish(hung_up=True) if referred.hung_up else None


def parameters(referred: Referred) -> dict[str, str]:
    """What the action is told about a transfer."""
    return {
        "ReferCallStatus": referred.status,
        "ReferSipResponseCode": str(referred.sip_code) if referred.sip_code else "",
        "NotifySipResponseCode": str(referred.notify_code) if referred.notify_code else "",
    }
