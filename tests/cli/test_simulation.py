"""A call without a phone."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pytest

from callwright.calls.application import Application
from callwright.calls.control import DialRecording, GatherPlan
from callwright.calls.status import CallStatus
from callwright.cli.script import Act, read
from callwright.cli.simulation import SimulatedCall
from callwright.errors import LegGone, MediaError
from callwright.twiml.session import Session
from tests.twiml.playbook import Playbook

T = TypeVar("T")


def simulated(acts: Sequence[str] = (), **options: Any) -> tuple[SimulatedCall, list[str]]:
    lines: list[str] = []
    account = {"account_sid": "AC" + "1" * 32, "from_": "+15557654321", "to": "+15550001000"}
    return SimulatedCall(read(acts), lines.append, **account, **options), lines


async def walked(inner: str, *acts: str) -> tuple[SimulatedCall, list[str]]:
    """A call through a document that asks for no other."""
    call, lines = simulated(acts)
    documents = Playbook(application=Application(twiml=f"<Response>{inner}</Response>"))
    application = documents.application

    class Given(Playbook):
        async def given(self, text: str, params: dict[str, str], parse: Callable[[Any], T]) -> T:
            assert params["CallStatus"] == "ringing" and params["CallSid"] == call.sid
            return await super().given(text, {**params, **self.parameters()}, parse)

    await Session(call, Given(), application, time=lambda: call.time).run()
    return call, [line.split(" s  ", 1)[1] for line in lines]


async def test_what_is_heard_is_printed_and_takes_its_time() -> None:
    call, lines = await walked(
        "<Pause length='2'/><Say language='de-DE'>eins zwei drei vier fünf</Say>"
        "<Play loop='2'>http://a.example/x.wav</Play><Play digits='12'/>"
    )
    assert lines == [
        "<Pause>",
        "<Say>",
        "  answered",
        "  says 'eins zwei drei vier fünf' in de-DE",
        "<Play>",
        "  plays http://a.example/x.wav",
        "<Play>",
        "  sends the keys 12",
    ]
    assert call.time == pytest.approx(2 + 2 + 6 + 1) and call.status is CallStatus.COMPLETED


async def test_a_caller_who_hangs_up() -> None:
    call, lines = await walked("<Say>Hello</Say><Say>Unreachable</Say>", "hangup")
    assert lines == ["<Say>", "  answered", "  the caller hangs up"] and not call.remaining


async def test_what_never_ends_is_ended_by_the_caller() -> None:
    for verb in ("<Say loop='0'>x</Say>", "<Echo/>"):
        call, lines = await walked(verb)
        assert "  the caller hangs up, for this would never end" in lines and call.status is CallStatus.COMPLETED


@pytest.mark.parametrize(
    ("acts", "plan", "digits", "finished"),
    [
        (["digits 12#"], GatherPlan(), "12", "#"),
        (["digits 123"], GatherPlan(max_digits=2), "12", ""),
        (["digits 12"], GatherPlan(), "12", ""),
        (["digits"], GatherPlan(), "", ""),
        ([], GatherPlan(), "", ""),
        (["dial busy"], GatherPlan(), "", ""),
    ],
)
async def test_keys(acts: list[str], plan: GatherPlan, digits: str, finished: str) -> None:
    call, _ = simulated(acts)
    gathered = await call.gather(plan)
    assert (gathered.digits, gathered.finished_on) == (digits, finished)
    assert call.time == pytest.approx(0.5 * len(digits) + (0.5 if finished else 0 if plan.max_digits else plan.timeout))


async def test_somebody_types() -> None:
    call, _ = simulated(ask=lambda: "7")
    assert (await call.gather(GatherPlan(max_digits=1))).digits == "7"


async def test_dials_and_messages_of_the_script() -> None:
    call, lines = await walked(
        "<Record/><Record/><Dial>+15550001111</Dial><Dial timeout='20'><Sip>sip:a@b</Sip></Dial>",
        "record 0",
        "record 7 #",
        "dial completed 12",
        "dial no-answer",
    )
    assert lines.count("  a message of 7 s") == 1 and lines.count("  a message of 0 s") == 1
    assert "  dials +15550001111" in lines and "  dials sip:a@b" in lines
    assert call.time == pytest.approx(7 + 12 + 20) and not call.remaining


async def test_a_recording_beside_the_verbs() -> None:
    _, lines = await walked("<Start><Recording/></Start><Start><Recording/></Start><Stop><Recording/></Stop>")
    assert lines.count("  the recording begins") == 1
    assert any("16108" in line for line in lines)


async def test_other_verbs() -> None:
    _, lines = await walked("<Sms>Hello</Sms><Hangup><Parameter name='a' value='b'/></Hangup>")
    assert "  a message to +15557654321: 'Hello'" in lines and "  sends back a=b" in lines


async def test_a_caller_who_is_transferred_is_gone() -> None:
    call, lines = await walked("<Refer><Sip>sip:a@b</Sip></Refer><Say>Unreachable</Say>")
    assert "  a transfer to sip:a@b: completed" in lines and call.status is CallStatus.COMPLETED
    assert not any("Unreachable" in line for line in lines)


@pytest.mark.parametrize(("reason", "status"), [("busy", CallStatus.BUSY), ("rejected", CallStatus.NO_ANSWER)])
async def test_a_rejected_call(reason: str, status: CallStatus) -> None:
    call, _ = await walked(f"<Reject reason='{reason}'/>")
    assert call.status is status


async def test_requests_and_failures_are_told() -> None:
    call, lines = simulated()
    call.note("fetch", url="http://a.example/", status=200, params={"CallSid": call.sid, "Digits": "5"}, body="<x/>")
    assert not call.failed
    call.note("failure", code=11200, message="gone")
    assert call.failed
    told = "\n".join(lines)
    assert "fetch url=http://a.example/ status=200" in told and "    Digits=5" in told
    assert "CallSid" not in told and "<x/>" not in told and "failure code=11200 message=gone" in told


async def test_answers_are_told_when_they_are_wanted() -> None:
    call, lines = simulated(answers=True)
    call.note("fetch", url="http://a.example/", params={}, body="<Response>\n</Response>")
    assert [line.split("| ")[1] for line in lines if "| " in line] == ["<Response>", "</Response>"]


async def test_it_is_gone_when_it_is_gone() -> None:
    call, _ = simulated(["hangup"])
    with pytest.raises(LegGone):
        await call.pause(1)
    assert call.status is CallStatus.CANCELED
    call, _ = simulated()
    await call.start_recording(DialRecording())
    with pytest.raises(MediaError):
        await call.start_recording(DialRecording())
    assert call.stop_recording() and not call.stop_recording()
    await asyncio.wait_for(call.hangup(), 1)
    assert call.remaining == [] and Act("hangup").text == "hangup"
