"""Numbers and applications made over the API answer real calls, from the next call on (§3.6, §3.7)."""

from typing import Any

import pytest
import pytest_asyncio
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]  # twilio ships no types

from tests.harness import PhoneCall
from tests.harness.ports import free_ports
from tests.harness.waiting import within

from .line import Line
from .site import Site

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def site(line: Line) -> Site:
    """The shared daemon's line, its carrier at the trunk's first target."""
    return await Site.on(line)


async def spoken(call: PhoneCall) -> None:
    """Returns when somebody speaks."""
    while True:
        await call.media.received(5)
        if call.media.level_dbov(0.1) > -40:
            return


async def heard(site: Site, number: str, hz: float) -> None:
    """A call to the number plays a tone."""
    call = await site.dial_in(number)
    await call.answered()
    await call.media.heard_tone(hz)
    await call.hangup()


async def test_a_bought_number_answers_as_it_is_told(site: Site) -> None:
    """Bought: 404 before, its URL afterwards; changed: another URL; with an application: that one; released: 404."""
    number = f"+1666{site.number[-7:]}"
    for path, hz in (("/one", 500.0), ("/two", 700.0), ("/three", 900.0)):
        site.serve_tone(f"{path}.wav", hz)
        site.script(path, f"<Play>{path}.wav</Play>")
    call = await site.dial_in(number)
    assert (await call.refused()).status == 404
    made: Any = await site.do(
        lambda client: client.incoming_phone_numbers.create(phone_number=number, voice_url=site.url("/one"))
    )
    await heard(site, number, 500.0)
    await site.do(lambda client: client.incoming_phone_numbers(made.sid).update(voice_url=site.url("/two")))
    await heard(site, number, 700.0)
    application: Any = await site.do(lambda client: client.applications.create(voice_url=site.url("/three")))
    await site.do(lambda client: client.incoming_phone_numbers(made.sid).update(voice_application_sid=application.sid))
    await heard(site, number, 900.0)
    assert (await site.application.request("/three")).form["ApplicationSid"] == application.sid
    assert await site.do(lambda client: client.incoming_phone_numbers(made.sid).delete())
    call = await site.dial_in(number)
    assert (await call.refused()).status == 404


async def test_an_application_runs_a_placed_call(site: Site) -> None:
    """POST Calls with ApplicationSid; the application cannot be deleted while it runs the call."""
    site.script("/app", "<Pause length='30'/>")
    application: Any = await site.do(
        lambda client: client.applications.create(voice_url=site.url("/app"), status_callback=site.url("/status"))
    )
    placed: Any = await site.do(
        lambda client: client.calls.create(
            to=site.callee,
            from_=site.number,
            application_sid=application.sid,
            status_callback_event=["initiated", "ringing", "answered", "completed"],
        )
    )
    incoming = await site.carrier.incoming()
    await incoming.ring()
    await incoming.answer()
    for status in ("initiated", "ringing", "in-progress"):
        await site.told(status, placed.sid)
    assert (await site.application.request("/app")).form["ApplicationSid"] == application.sid
    with pytest.raises(TwilioRestException) as busy:
        await site.do(lambda client: client.applications(application.sid).delete())
    assert busy.value.code == 20009
    await incoming.hangup()
    await site.told("completed", placed.sid)
    assert await site.do(lambda client: client.applications(application.sid).delete())


async def test_a_caller_id_is_validated_by_a_call(site: Site) -> None:
    """The called party types the code of the answer; from then on calls may show the number."""
    number = site.callee
    site.script("/validated", "")
    begun: Any = await site.do(
        lambda client: client.validation_requests.create(phone_number=number, status_callback=site.url("/validated"))
    )
    incoming = await site.carrier.incoming()
    await incoming.answer()
    await within(spoken(incoming), 10.0, "the question")
    await incoming.media.send_digits(begun.validation_code)
    told = await site.application.request("/validated", 15.0)
    assert (told.form["VerificationStatus"], told.form["CallSid"]) == ("success", begun.call_sid)
    listed: Any = await site.do(lambda client: client.outgoing_caller_ids.list(phone_number=number))
    assert [one.sid for one in listed] == [told.form["OutgoingCallerIdSid"]]
    placed: Any = await site.create(from_=number, to=number, twiml="<Response><Hangup/></Response>")
    assert placed._from == number
    incoming = await site.carrier.incoming()
    await incoming.refuse(486)
    await site.over(placed.sid)
    assert await site.do(lambda client: client.outgoing_caller_ids(listed[0].sid).delete())


async def test_a_call_over_a_trunk_of_ones_own(site: Site) -> None:
    """Byoc: a number that no trunk of the file carries goes to the first target of the policy that takes it."""
    policy: Any = await site.do(lambda client: client.voice.v1.connection_policies.create())
    targets = [f"sip:127.0.0.1:{free_ports(1)[0]};transport=tcp", f"sip:{site.carrier.address}:{site.carrier.port}"]

    def add(client: Any) -> None:
        for priority, uri in enumerate(targets):
            client.voice.v1.connection_policies(policy.sid).targets.create(target=uri, priority=priority)

    await site.do(add)
    trunk: Any = await site.do(lambda client: client.voice.v1.byoc_trunks.create(connection_policy_sid=policy.sid))
    placed = await site.create(to="+447700900123", byoc=trunk.sid, twiml="<Response><Hangup/></Response>")
    incoming = await site.carrier.incoming()
    assert "+447700900123" in incoming.invite.uri
    await incoming.answer()
    await incoming.until_ended()
    assert (await site.over(placed.sid)).form["CallStatus"] == "completed"


async def test_a_call_to_a_number_of_an_elastic_trunk(site: Site) -> None:
    """It goes on to the trunk's origination URL, and is answered when that answers."""
    number = f"+1667{site.number[-7:]}"

    def build(client: Any) -> None:
        bought = client.incoming_phone_numbers.create(phone_number=number)
        trunk = client.trunking.v1.trunks.create(friendly_name="PBX")
        of = client.trunking.v1.trunks(trunk.sid)
        uri = f"sip:{site.carrier.address}:{site.carrier.port}"
        of.origination_urls.create(sip_url=uri, priority=1, weight=1, enabled=True, friendly_name="x")
        of.phone_numbers.create(phone_number_sid=bought.sid)

    await site.do(build)
    call = await site.dial_in(number)
    reached = await site.carrier.incoming()
    assert number in reached.invite.uri
    await reached.ring()
    await call.ringing()
    await reached.answer()
    await call.answered()
    await call.hangup()
    await reached.until_ended()


async def test_a_stored_application_takes_a_dialled_call_and_gives_back(site: Site) -> None:
    """§6.6: the caller hears it, it is told the parameters, and what it returns reaches the dial's action."""
    site.serve_tone("/crossed.wav", 600.0, 1.0)
    site.script("/crossed", '<Play>/crossed.wav</Play><Hangup><Parameter name="answer" value="42"/></Hangup>')
    made: Any = await site.do(lambda client: client.applications.create(voice_url=site.url("/crossed")))
    asked = f'<ApplicationSid>{made.sid}</ApplicationSid><Parameter name="question" value="6x7"/>'
    site.script("/voice", f'<Dial action="/after"><Application>{asked}</Application></Dial>')
    site.script("/after", "<Hangup/>")
    call = await site.dial_in()
    await call.media.heard_tone(600.0)
    entered = (await site.application.request("/crossed")).form
    assert (entered["Param_question"], entered["ApplicationSid"]) == ("6x7", made.sid)
    after = (await site.application.request("/after")).form
    assert (after["ReturnParam_answer"], after["DialCallStatus"]) == ("42", "completed")
    assert entered["ParentCallSid"] == after["CallSid"] and entered["CallSid"] == after["DialCallSid"]
    await call.until_ended()


async def test_a_document_before_a_dialled_application(site: Site) -> None:
    """The `url` of <Application> is heard first, as the call that the application gets; it may keep it from there."""
    site.serve_tone("/first.wav", 450.0, 0.5)
    site.serve_tone("/crossed.wav", 600.0, 0.5)
    site.script("/crossed", "<Play>/crossed.wav</Play>")
    made: Any = await site.do(lambda client: client.applications.create(voice_url=site.url("/crossed")))
    dial = f'<Dial action="/after"><Application url="/first" method="GET">{made.sid}</Application></Dial>'
    site.script("/voice", dial)
    site.script("/first", "<Play>/first.wav</Play>")
    site.script("/after", "<Hangup/>")
    call = await site.dial_in()
    await call.media.heard_tone(450.0)
    await call.media.heard_tone(600.0)
    first, entered = await site.application.request("/first"), await site.application.request("/crossed")
    assert (first.method, first.params["CallSid"]) == ("GET", entered.form["CallSid"])
    assert first.params["ApplicationSid"] == made.sid
    after = (await site.application.request("/after")).form
    assert (after["DialCallStatus"], after["DialCallSid"]) == ("completed", entered.form["CallSid"])
    await call.until_ended()

    site.script("/first", "<Play>/first.wav</Play><Hangup/>")
    call = await site.dial_in()
    await call.media.heard_tone(450.0)
    assert (await site.application.request("/after")).form["DialCallStatus"] == "no-answer"
    assert site.application.count("/crossed") == 1
    await call.until_ended()
