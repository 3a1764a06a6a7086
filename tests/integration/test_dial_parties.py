"""Dialling several parties (call-control reference §1.6, S10): at once, the first to answer wins, or in sequence."""

import asyncio

import pytest

from tests.harness import Phone, PhoneCall, tones

from .line import LATER, Line, both

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(autouse=True)
def documents(line: Line) -> None:
    """Where a dial leads, and where its legs report their ends."""
    line.on("/done", LATER)
    for path in ("/one", "/two", "/three"):
        line.application.on(path, "")


async def callees(line: Line, count: int) -> list[Phone]:
    """Phones that are reached by URI."""
    return [await line.phone(f"callee-{index}") for index in range(count)]


async def dialling(line: Line, phones: list[Phone], attributes: str = "") -> PhoneCall:
    """A call that dials these phones; each leg reports its end to a path of its own."""
    paths = ("/one", "/two", "/three")
    nouns = [
        f'<Sip statusCallback="{path}">sip:{phone.user}@{phone.address}:{phone.port}</Sip>'
        for phone, path in zip(phones, paths, strict=False)
    ]
    return await line.call(f'<Dial action="/done" {attributes}>{"".join(nouns)}</Dial>')


async def test_the_first_to_answer_wins(line: Line) -> None:
    phones = await callees(line, 3)
    call = await dialling(line, phones)
    legs = [await phone.incoming() for phone in phones]
    for leg in legs:
        await leg.ring()
    await legs[1].answer()
    assert [(await legs[place].until_ended()).how for place in (0, 2)] == ["cancelled", "cancelled"]
    await both(call, legs[1])
    losers = [(await line.request(path)).form for path in ("/one", "/three")]
    assert [(form["CallStatus"], form["CallDuration"]) for form in losers] == [("canceled", "0")] * 2
    await legs[1].hangup()
    form = (await line.request("/done")).form
    winner = (await line.request("/two")).form
    assert (form["DialCallStatus"], form["DialCallSid"]) == ("completed", winner["CallSid"])
    assert winner["CallStatus"] == "completed" and int(winner["CallDuration"]) >= 1
    assert len({winner["CallSid"], *(loser["CallSid"] for loser in losers)}) == 3


async def test_a_loser_that_never_rang(line: Line) -> None:
    """§12.8: canceled when it had rung, else no-answer."""
    phones = await callees(line, 2)
    await dialling(line, phones)
    legs = [await phone.incoming() for phone in phones]
    await legs[1].answer()
    assert (await legs[0].until_ended()).how == "cancelled"
    assert (await line.request("/one")).form["CallStatus"] == "no-answer"


async def test_two_numbers_of_one_trunk_at_once(line: Line) -> None:
    gateway = await line.gateway()
    call = await line.call(
        f'<Dial action="/done"><Number>{line.dialled(1)}</Number><Number>{line.dialled(2)}</Number></Dial>'
    )
    legs = {leg.to_user: leg for leg in (await gateway.incoming(), await gateway.incoming())}
    assert set(legs) == {line.dialled(1), line.dialled(2)}
    await legs[line.dialled(2)].answer()
    assert (await legs[line.dialled(1)].until_ended()).how == "cancelled"
    await both(call, legs[line.dialled(2)])


async def test_a_number_and_a_uri_at_once(line: Line) -> None:
    gateway, phone = await line.gateway(), await line.phone("bob")
    call = await line.call(
        f"<Dial><Number>{line.dialled()}</Number><Sip>sip:bob@{phone.address}:{phone.port}</Sip></Dial>"
    )
    by_number, by_uri = await gateway.incoming(), await phone.incoming()
    await by_uri.answer()
    assert (await by_number.until_ended()).how == "cancelled"
    await both(call, by_uri)


async def test_one_refuses_and_the_other_rings_on(line: Line) -> None:
    phones = await callees(line, 2)
    call = await dialling(line, phones)
    legs = [await phone.incoming() for phone in phones]
    await legs[1].ring()
    await legs[0].refuse(486)
    assert (await line.request("/one")).form["CallStatus"] == "busy"
    await legs[1].answer()
    await both(call, legs[1])


@pytest.mark.parametrize(("codes", "status"), [((603, 486), "busy"), ((404, 404), "failed"), ((404, 480), "no-answer")])
async def test_all_refuse(line: Line, codes: tuple[int, int], status: str) -> None:
    phones = await callees(line, 2)
    await dialling(line, phones)
    for phone, code in zip(phones, codes, strict=True):
        await (await phone.incoming()).refuse(code)
    form = (await line.request("/done")).form
    assert (form["DialCallStatus"], form["DialBridged"]) == (status, "false")


async def test_two_answer_at_the_same_moment(line: Line) -> None:
    """One of them is connected, the other is told that it is over; the caller hears only one."""
    phones = await callees(line, 2)
    call = await dialling(line, phones)
    legs = [await phone.incoming() for phone in phones]
    for leg in legs:
        leg.media.tone(700 if leg is legs[0] else 1100)
    await asyncio.gather(*(leg.answer() for leg in legs))
    over = asyncio.as_completed([leg.until_ended() for leg in legs])
    assert (await next(iter(over))).how in ("bye received", "cancelled")
    [winner] = [leg for leg in legs if not leg.ended.done()]
    heard, silent = (700, 1100) if winner is legs[0] else (1100, 700)
    mark = call.media.mark()
    await call.media.received(50)
    pcm = call.media.pcm(since=mark)
    assert tones.contains(pcm, heard) and not tones.contains(pcm, silent)
    await winner.hangup()
    form = (await line.request("/done")).form
    assert (form["DialCallStatus"], form["DialSipCallId"]) == ("completed", winner.call_id)
    for pending in over:
        await pending


async def test_the_caller_hangs_up_while_all_ring(line: Line) -> None:
    phones = await callees(line, 2)
    call = await dialling(line, phones)
    legs = [await phone.incoming() for phone in phones]
    for leg in legs:
        await leg.ring()
    await call.answered()
    await call.hangup()
    assert [(await leg.until_ended()).how for leg in legs] == ["cancelled", "cancelled"]
    assert (await line.request("/done")).form["DialCallStatus"] == "canceled"
    ends = [(await line.request(path)).form["CallStatus"] for path in ("/one", "/two")]
    assert ends == ["canceled", "canceled"]


async def test_sequence(line: Line) -> None:
    """One after another: the next is called when the one before has refused."""
    phones = await callees(line, 3)
    call = await dialling(line, phones, 'sequential="true"')
    first = await phones[0].incoming()
    await first.ring()
    await call.media.received(10)
    assert phones[1].calls == phones[2].calls == []
    await first.refuse(486)
    second = await phones[1].incoming()
    await second.answer()
    await both(call, second)
    await second.hangup()
    form = (await line.request("/done")).form
    assert (form["DialCallStatus"], form["DialSipCallId"]) == ("completed", second.call_id)
    assert phones[2].calls == []


async def test_sequence_goes_on_after_a_timeout(line: Line) -> None:
    phones = await callees(line, 2)
    call = await dialling(line, phones, 'sequential="true" timeout="5"')
    first = await phones[0].incoming()
    await first.ring()
    second = await phones[1].incoming(timeout=8)
    assert (await first.until_ended()).how == "cancelled"
    assert (await line.request("/one")).form["CallStatus"] == "no-answer"
    await second.answer()
    await both(call, second)


async def test_sequence_ends_with_the_last(line: Line) -> None:
    phones = await callees(line, 2)
    await dialling(line, phones, 'sequential="true"')
    await (await phones[0].incoming()).refuse(486)
    await (await phones[1].incoming()).refuse(480)
    form = (await line.request("/done")).form
    assert form["DialBridged"] == "false" and form["DialCallStatus"] in ("busy", "no-answer")


async def test_star_ends_a_sequence(line: Line) -> None:
    """hangupOnStar ends the dial, not one attempt of it."""
    phones = await callees(line, 2)
    call = await dialling(line, phones, 'sequential="true" hangupOnStar="true"')
    first = await phones[0].incoming()
    await first.ring()
    await call.answered()
    await call.media.send_digits("*")
    assert (await first.until_ended()).how == "cancelled"
    await line.request("/done")
    assert phones[1].calls == []
