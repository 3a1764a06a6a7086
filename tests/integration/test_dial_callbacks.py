"""Status callbacks of dialled calls (call-control reference §2.2): which come, in which order, with what in them."""

from email.utils import parsedate_to_datetime

import pytest

from tests.harness import PhoneCall
from tests.harness.application import Received

from .line import CALLER, LATER, Line, both

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

ALL = 'statusCallback="/child" statusCallbackEvent="initiated ringing answered completed"'


@pytest.fixture(autouse=True)
def documents(line: Line) -> None:
    """Where a dial leads, and where its child reports."""
    line.on("/done", LATER)
    line.application.on("/child", "")


async def dialling(line: Line, attributes: str) -> tuple[PhoneCall, PhoneCall]:
    """The caller's and the callee's call of a dial whose Number has these attributes."""
    gateway = await line.gateway()
    call = await line.call(f'<Dial action="/done"><Number {attributes}>{line.dialled()}</Number></Dial>')
    return call, await gateway.incoming()


def told(requests: list[Received]) -> list[tuple[str, str]]:
    """SequenceNumber and CallStatus of each."""
    return [(request.params["SequenceNumber"], request.params["CallStatus"]) for request in requests]


async def test_every_step(line: Line) -> None:
    call, incoming = await dialling(line, ALL)
    await incoming.ring()
    await incoming.answer()
    await both(call, incoming)
    await incoming.hangup()
    requests = await line.requests("/child", 4)
    assert told(requests) == [("0", "initiated"), ("1", "ringing"), ("2", "in-progress"), ("3", "completed")]
    done = (await line.request("/done")).form
    for request in requests:
        form = request.form
        assert (form["CallSid"], form["ParentCallSid"]) == (done["DialCallSid"], done["CallSid"])
        assert (form["Direction"], form["AccountSid"]) == ("outbound-dial", line.daemon.account_sid)
        assert form["From"] == form["Caller"] == CALLER and form["To"] == form["Called"] == line.dialled()
        assert (form["CallbackSource"], form["ApiVersion"]) == ("call-progress-events", "2010-04-01")
        assert parsedate_to_datetime(form["Timestamp"]).tzinfo is not None
    assert all("CallDuration" not in request.form for request in requests[:3])
    last = requests[3].form
    assert (last["CallDuration"], last["Duration"]) == (done["DialCallDuration"], "1")
    assert last["SipResponseCode"] == "200"
    assert len({request.header("I-Twilio-Idempotency-Token") for request in requests}) == 4


async def test_the_end_alone_by_default(line: Line) -> None:
    call, incoming = await dialling(line, 'statusCallback="/child"')
    await incoming.ring()
    await incoming.answer()
    await incoming.hangup()
    assert told(await line.requests("/child", 1)) == [("0", "completed")]
    await call.until_ended()
    assert line.application.count("/child") == 1


@pytest.mark.parametrize(
    ("code", "status"), [(486, "busy"), (480, "no-answer"), (603, "no-answer"), (404, "failed"), (488, "failed")]
)
async def test_refused(line: Line, code: int, status: str) -> None:
    _, incoming = await dialling(line, ALL)
    await incoming.refuse(code)
    requests = await line.requests("/child", 2)
    assert told(requests) == [("0", "initiated"), ("1", status)]
    last = requests[1].form
    assert (last["SipResponseCode"], last["CallDuration"], last["Duration"]) == (str(code), "0", "0")


async def test_no_answer_in_time(line: Line) -> None:
    gateway = await line.gateway()
    await line.call(f'<Dial timeout="5"><Number {ALL}>{line.dialled()}</Number></Dial>')
    incoming = await gateway.incoming()
    await incoming.ring()
    requests = await line.requests("/child", 3, timeout=8)
    assert told(requests) == [("0", "initiated"), ("1", "ringing"), ("2", "no-answer")]
    assert requests[2].form["SipResponseCode"] == "487"


async def test_the_caller_gives_up(line: Line) -> None:
    call, incoming = await dialling(line, ALL)
    await incoming.ring()
    await call.answered()
    await call.hangup()
    requests = await line.requests("/child", 3)
    assert told(requests) == [("0", "initiated"), ("1", "ringing"), ("2", "canceled")]
    assert requests[2].form["SipResponseCode"] == "487"


async def test_with_get(line: Line) -> None:
    _, incoming = await dialling(line, 'statusCallback="/child?leg=b" statusCallbackMethod="GET"')
    await incoming.refuse(486)
    [request] = await line.requests("/child", 1)
    assert (request.method, request.query["leg"], request.query["CallStatus"]) == ("GET", "b", "busy")


async def test_of_a_uri(line: Line) -> None:
    phone = await line.phone("bob")
    uri = f"sip:bob@{phone.address}:{phone.port}"
    await line.call(f'<Dial action="/done"><Sip {ALL}>{uri}</Sip></Dial>')
    incoming = await phone.incoming()
    await incoming.answer()
    await incoming.hangup()
    requests = await line.requests("/child", 3)
    assert told(requests) == [("0", "initiated"), ("1", "in-progress"), ("2", "completed")]
    assert {request.form["To"] for request in requests} == {uri}


async def test_a_slow_server_gets_them_in_order(line: Line) -> None:
    release = line.application.hold("/child", "")
    call, incoming = await dialling(line, ALL)
    await incoming.ring()
    await incoming.answer()
    await incoming.hangup()
    await line.request("/done")
    assert line.application.count("/child") == 1
    release.set()
    assert [number for number, _ in told(await line.requests("/child", 4))] == ["0", "1", "2", "3"]
    await call.until_ended()
