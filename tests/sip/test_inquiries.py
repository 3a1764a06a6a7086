"""Questions to one application: in turn, measured, and its silence told of."""

import asyncio
import logging

import pytest

from callwright.errors import ApplicationError
from callwright.sip.inquiries import LONGEST_S, QUIET_S, USUAL_S, Inquiries
from callwright.sip.users import User
from callwright.sip.vouching import Question, Vouching

TERMS = Vouching("pbx.example", "pbx.example", "AC" + "1" * 32, patience=2.0, at_once=2)


class Seconds:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def question(number: int = 1) -> Question:
    return Question(number, "REGISTER", f"u{number}", "pbx.example")


async def test_so_many_at_a_time() -> None:
    """Who has waited for his turn too long does not ask: another's question would be answered late for it."""
    clock, answering, asked = Seconds(), asyncio.Event(), []

    async def ask(one: Question) -> User | None:
        asked.append(one.id)
        await answering.wait()
        return None

    inquiries = Inquiries(TERMS, clock)
    tasks = [asyncio.create_task(inquiries.put(question(number), ask)) for number in (1, 2, 3)]
    await asyncio.sleep(0)
    assert asked == [1, 2]
    clock.now += 2.5
    answering.set()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert done[:2] == [None, None] and isinstance(done[2], ApplicationError)
    assert asked == [1, 2] and inquiries.failing


async def test_its_pace() -> None:
    """Of the last answers, one by chance; before there was any, the usual one; bounded."""
    clock = Seconds()
    inquiries = Inquiries(TERMS, clock, choose=lambda durations: durations[-1])
    assert inquiries.pace() == USUAL_S
    for took, told in ((0.25, 0.25), (60.0, LONGEST_S)):

        async def ask(one: Question, took: float = took) -> User | None:
            clock.now += took
            return None

        assert await inquiries.put(question(), ask) is None
        assert inquiries.pace() == told


async def test_its_silence_is_told_of_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    clock, inquiries = Seconds(), None
    inquiries = Inquiries(TERMS, clock)

    async def fails(one: Question) -> User | None:
        raise ApplicationError("no connection")

    async def answers(one: Question) -> User | None:
        return None

    async def wavers() -> None:
        for _ in range(2):
            with pytest.raises(ApplicationError):
                await inquiries.put(question(), fails)
        assert inquiries.failing
        await inquiries.put(question(), answers)
        assert not inquiries.failing

    caplog.set_level(logging.WARNING)
    for seconds in (0, 1, QUIET_S):
        clock.now += seconds
        await wavers()
    kept = "whom it has vouched for is let in for 3900 s after its last word"
    said = [
        f"the auth_url of domain pbx.example fails: no connection; {kept}",
        "the auth_url of domain pbx.example is answered again",
    ]
    assert [record.getMessage() for record in caplog.records] == said * 2
