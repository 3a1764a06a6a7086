"""The dialler against the real engine: calls that come up, calls that fail, and parties that the server dials."""

import asyncio
from collections.abc import Callable

from bench.dialler import CALLED_PORT, Dialler, Order
from callwright.engine import Event, EventKind
from tests.engine.station import Station
from tests.harness.ports import next_address
from tests.harness.waiting import within

Handle = Callable[[Event], None]


def order(station: Station, calls: int, *, called: bool = False) -> Order:
    return Order((station.host, station.port()), "work", calls, 100.0, called, next_address())


async def answering(station: Station, calls: int, handle: Handle) -> None:
    for _ in range(calls):
        handle(await station.event(EventKind.INCOMING, timeout=10))


async def test_calls_come_up_and_end(station: Station) -> None:
    dialler = Dialler(order(station, 3))
    await dialler.open()
    answers = asyncio.create_task(answering(station, 3, lambda event: station.engine.answer(event.id, 200)))
    await within(dialler.place(), 20, "three calls are up")
    await answers
    legs = dialler.legs()
    assert [port for port, _ in legs] == [26000, 26002, 26004]
    assert len({address for _, address in legs}) == 3
    assert all(address.startswith(station.host) for _, address in legs)
    outcome = await within(dialler.end(), 20, "three calls have ended")
    dialler.close()
    assert (outcome["placed"], outcome["ok"], outcome["failed"], outcome["left"]) == (3, 3, 0, 0)
    await station.until_counts(legs=0)


async def test_a_refusal_is_told(station: Station) -> None:
    dialler = Dialler(order(station, 2))
    await dialler.open()
    codes = iter((486, 200))

    def handle(event: Event) -> None:
        code = next(codes)
        station.engine.answer(event.id, 200) if code == 200 else station.engine.hangup(event.id, code=code)

    answers = asyncio.create_task(answering(station, 2, handle))
    await within(dialler.place(), 20, "one call is up, one refused")
    await answers
    assert len(dialler.legs()) == 1
    outcome = await within(dialler.end(), 20, "the call has ended")
    dialler.close()
    assert (outcome["ok"], outcome["failed"], outcome["first_error"]) == (1, 1, "an INVITE got 486")


async def test_a_server_that_hangs_up_is_told(station: Station) -> None:
    dialler = Dialler(order(station, 1))
    await dialler.open()
    answers = asyncio.create_task(answering(station, 1, lambda event: station.engine.answer(event.id, 200)))
    await within(dialler.place(), 20, "the call is up")
    await answers
    leg = (await station.event(EventKind.ESTABLISHED)).id
    station.engine.hangup(leg)
    await station.until_counts(legs=0)
    outcome = await within(dialler.end(), 20, "the call has ended")
    dialler.close()
    assert (outcome["ok"], outcome["failed"], outcome["cut_off"]) == (0, 1, 1)


async def test_both_legs_of_a_bridged_call(station: Station) -> None:
    wanted = order(station, 2, called=True)
    dialler = Dialler(wanted)
    await dialler.open()
    dialled: list[int] = []

    def handle(event: Event) -> None:
        caller = event.detail["from_uri"]
        dialled.append(station.engine.originate(f"sip:b@{wanted.host}:{CALLED_PORT}", local_uri=caller))
        station.engine.answer(event.id, 200)

    answers = asyncio.create_task(answering(station, 2, handle))
    await within(dialler.place(), 20, "two calls are up")
    await answers
    for leg in dialled:
        await station.event(EventKind.ESTABLISHED, leg)
    legs = dialler.legs()
    assert [port for port, _ in legs] == [26000, 26002, 26004, 26006]
    assert len({address for _, address in legs}) == 4
    for leg in dialled:
        station.engine.hangup(leg)
    outcome = await within(dialler.end(), 20, "two calls have ended")
    dialler.close()
    assert (outcome["ok"], outcome["left"], outcome["first_error"]) == (2, 0, "")


async def test_whom_nobody_has_called(station: Station) -> None:
    """A leg that cannot be told from its From is refused, not mistaken for another's."""
    wanted = order(station, 1, called=True)
    dialler = Dialler(wanted)
    await dialler.open()
    leg = station.engine.originate(f"sip:b@{wanted.host}:{CALLED_PORT}", local_uri="sip:stranger@127.0.0.1")
    assert (await station.event(EventKind.ENDED, leg)).code == 404
    dialler.close()
