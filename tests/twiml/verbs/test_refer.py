"""<Refer> (call-control reference §1.10)."""

import pytest

from callwright.calls.application import Hook
from callwright.calls.control import ReferPlan, Referred
from callwright.calls.status import CallStatus
from callwright.twiml.verbs import Refer
from tests.twiml.playbook import VOICE, Playbook, codes, document, fetch, op, speech, twiml

PLAN = ReferPlan("sip:bob@pbx.example", (("X-Order", "7"),))
SIP = "<Sip>sip:bob@pbx.example?X-Order=7</Sip>"
ACTION = Hook("http://app.example/r", "GET")


def test_the_uri_with_its_headers() -> None:
    parsed = document(f"<Refer action='/r' method='GET'>{SIP}</Refer>")
    assert parsed.verbs == (Refer(PLAN, ACTION),)
    assert codes(parsed) == []


@pytest.mark.parametrize(
    ("xml", "warned", "verbs"),
    [
        ("<Refer/>", [13243], 0),
        ("<Refer><Sip>bob</Sip></Refer>", [13243], 0),
        (f"<Refer>{SIP}{SIP}</Refer>", [12200], 1),
        (f"<Refer method='PUT' colour='red'>{SIP}<Say>x</Say></Refer>", [12200, 12200, 12200], 1),
        ("<Refer><Sip username='x'>sip:bob@pbx.example</Sip></Refer>", [12200], 1),
    ],
)
def test_what_is_wrong_is_said(xml: str, warned: list[int], verbs: int) -> None:
    parsed = document(xml)
    assert (codes(parsed), len(parsed.verbs)) == (warned, verbs)


@pytest.mark.parametrize(
    ("referred", "told"),
    [
        (Referred("failed"), ("failed", "", "")),
        (Referred("completed", 202, 200), ("completed", "202", "200")),
        (Referred("busy", 202, 486), ("busy", "202", "486")),
    ],
)
async def test_what_the_action_is_told(referred: Referred, told: tuple[str, str, str]) -> None:
    keys = ("ReferCallStatus", "ReferSipResponseCode", "NotifySipResponseCode")
    await Playbook(
        fetch(VOICE) >> twiml(f"<Refer action='/r' method='GET'>{SIP}</Refer><Say>Unreachable</Say>"),
        op("refer", PLAN) >> referred,
        fetch(ACTION, **dict(zip(keys, told, strict=True))) >> twiml(""),
        op("hangup"),
    ).play_out()


async def test_without_an_action_the_next_verb_runs() -> None:
    await Playbook(
        fetch(VOICE) >> twiml(f"<Refer>{SIP}</Refer><Say>Still here</Say>"),
        op("refer", PLAN) >> Referred("failed"),
        speech("Still here"),
        op("hangup"),
    ).play_out()


async def test_a_caller_who_was_transferred_is_gone() -> None:
    gone = Referred("completed", 202, 200, hung_up=True)
    await Playbook(
        fetch(VOICE) >> twiml(f"<Refer>{SIP}</Refer><Redirect>/unreachable</Redirect>"),
        (op("refer", PLAN) >> gone).then(CallStatus.COMPLETED),
    ).play_out()
