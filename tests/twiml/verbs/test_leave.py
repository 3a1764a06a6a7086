"""<Leave> (call-control reference §1.7)."""

from callwright.twiml.outcome import Finish
from callwright.twiml.verbs.leave import Leave
from tests.twiml.playbook import VOICE, Playbook, codes, document, fetch, op, speech, twiml


async def test_it_ends_the_wait_and_its_document() -> None:
    book = Playbook()
    book.waiting = True
    assert await Leave().execute(book) == Finish()
    assert book.warnings == [] and not book.waiting


async def test_outside_a_queue_the_document_goes_on() -> None:
    book = Playbook(fetch(VOICE) >> twiml("<Leave/><Say>Next</Say>"), speech("Next"), op("hangup"))
    await book.play_out()
    assert book.warnings == [12200]


def test_what_it_does_not_have() -> None:
    assert codes(document("<Leave colour='red'>now<Say>x</Say></Leave>")) == [12200, 12200, 12200]
