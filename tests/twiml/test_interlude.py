"""Documents for those who wait, and announcements (call-control reference §1.6, §1.7)."""

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from callwright.account import Account
from callwright.calls.application import Hook
from callwright.calls.backdrop import Programme
from callwright.calls.control import File, Gathered, GatherPlan, Keys, Silence, Speech
from callwright.calls.status import CallStatus
from callwright.errors import ApplicationError, LegGone
from callwright.twiml.interlude import Interludes
from tests.twiml.playbook import STANDARD, Answer, Playbook, fetch, op, twiml

T = TypeVar("T")

WAIT = Hook("http://app.example/wait")
MORE = Hook("http://app.example/more")
ACCOUNT = Account(STANDARD["AccountSid"], "token")
SOUND = "http://app.example/a.wav"
ASKED = {"QueuePosition": "1"}


class Pages:
    """Documents by URL, each request noted."""

    def __init__(self, **pages: Answer) -> None:
        self.pages = {f"http://app.example/{name}": answer for name, answer in pages.items()}
        self.asked: list[tuple[Hook, dict[str, str]]] = []

    async def get(self, hook: Hook, params: dict[str, str], parse: Callable[[Any], T]) -> T:
        self.asked.append((hook, params))
        if hook.url not in self.pages:
            raise ApplicationError("HTTP 404", code=11200, url=hook.url)
        answer = self.pages[hook.url]
        return parse(Answer(answer.body, answer.content_type, hook.url))


async def heard(pages: Pages, call: Any = None) -> list[Programme]:
    interludes = Interludes(lambda account, call: pages)  # type: ignore[arg-type]  # only `get` is asked
    return [one async for one in interludes.follow(WAIT, {"A": "1"}, account=ACCOUNT, call=call)]


async def test_what_is_heard_until_a_redirect_leads_on() -> None:
    pages = Pages(
        wait=twiml(
            f"<Say>Hello</Say><Pause length='2'/><Play loop='3' digits='1'>{SOUND}</Play>"
            "<Redirect method='GET'>/more</Redirect><Say>Unreachable</Say>"
        ),
        more=twiml("<Say>Goodbye</Say>"),
    )
    assert await heard(pages) == [
        Programme((Speech("Hello"), Silence(2), Keys("1", 3), File(SOUND, 3))),
        Programme((Speech("Goodbye"),)),
    ]
    assert pages.asked == [(WAIT, {"A": "1"}), (Hook(MORE.url, "GET"), {"A": "1"})]


async def test_a_sound_file_in_place_of_a_document() -> None:
    assert await heard(Pages(wait=Answer(b"", "audio/x-wav"))) == [Programme((File(WAIT.url),), endless=True)]


async def test_what_does_not_belong_there_is_left_out_and_said() -> None:
    book = Playbook()
    pages = Pages(wait=twiml("<Dial>+15550001111</Dial><Gather/><Leave/><Hangup/><Say>Hi</Say><Say/>"))
    assert await heard(pages, book) == [Programme((Speech("Hi"),))]
    assert book.warnings == [13520, 13238, 13238, 13238, 13238]


async def test_nobodys_warnings_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    await heard(Pages(wait=twiml("<Hangup/>")))
    assert "code=13238" in caplog.text


async def test_a_document_that_cannot_be_had() -> None:
    with pytest.raises(ApplicationError) as failed:
        await heard(Pages())
    assert failed.value.code == 11200


async def test_documents_without_sound_do_not_follow_one_another_for_ever() -> None:
    pages = Pages(wait=twiml("<Redirect>/wait</Redirect>"))
    with pytest.raises(ApplicationError) as failed:
        await heard(pages)
    assert (failed.value.code, len(pages.asked)) == (14106, 100)


def waiting(*steps: Any) -> tuple[Interludes, Playbook]:
    """The documents of a call that waits in a queue."""
    book = Playbook(*steps, status=CallStatus.IN_PROGRESS)
    book.waiting = True
    return Interludes(lambda account, call: book), book


async def perform(interludes: Interludes, book: Playbook, *, endless: bool) -> None:
    book.account = ACCOUNT  # type: ignore[attr-defined]  # a call has one
    await interludes.perform(book, WAIT, lambda: ASKED, endless=endless)  # type: ignore[arg-type]  # the fake call


async def test_again_and_again_until_it_leaves() -> None:
    interludes, book = waiting(
        fetch(WAIT, **ASKED) >> twiml("<Say>Wait</Say>"),
        op("play", [Speech("Wait")]),
        fetch(WAIT, **ASKED) >> twiml("<Gather action='/key'/><Say>Unreachable</Say>"),
        op("gather", GatherPlan()) >> Gathered("1"),
        fetch(Hook("http://app.example/key"), Digits="1", FinishedOnKey="", **ASKED) >> twiml("<Leave/><Say>x</Say>"),
    )
    await perform(interludes, book, endless=True)
    book.finish()
    assert not book.waiting


async def test_what_follows_a_key_leads_back_to_the_wait() -> None:
    interludes, book = waiting(
        fetch(WAIT, **ASKED) >> twiml("<Redirect>/more</Redirect>"),
        fetch(MORE, **ASKED) >> twiml("<Pause/>"),
        op("pause", 1),
        fetch(WAIT, **ASKED) >> twiml("<Leave/>"),
    )
    await perform(interludes, book, endless=True)
    book.finish()


async def test_hangup() -> None:
    interludes, book = waiting(fetch(WAIT, **ASKED) >> twiml("<Hangup/>"), op("hangup"))
    await perform(interludes, book, endless=True)
    book.finish()


async def test_the_caller_leaves() -> None:
    interludes, book = waiting(
        fetch(WAIT, **ASKED) >> twiml("<Say>Wait</Say>"), op("play", [Speech("Wait")]) >> LegGone("gone")
    )
    with pytest.raises(LegGone):
        await perform(interludes, book, endless=True)
    book.finish()


async def test_a_wait_without_sound_is_not_asked_for_ever() -> None:
    interludes, book = waiting(*[fetch(WAIT, **ASKED) >> twiml("") for _ in range(100)])
    with pytest.raises(ApplicationError) as failed:
        await perform(interludes, book, endless=True)
    assert failed.value.code == 14106
    book.finish()


async def test_a_whisper_is_heard_once_and_may_do_less() -> None:
    interludes, book = waiting(
        fetch(WAIT, **ASKED) >> twiml("<Hangup/><Gather/><Say>Your turn</Say>"), op("play", [Speech("Your turn")])
    )
    await perform(interludes, book, endless=False)
    book.finish()
    assert book.warnings == [13238, 13238]
