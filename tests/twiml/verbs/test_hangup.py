"""<Hangup> (call-control reference §1.2)."""

from callwright.twiml.verbs import Hangup
from tests.twiml.playbook import VOICE, Playbook, codes, document, fetch, op, speech, twiml


def test_it_has_no_attributes() -> None:
    parsed = document("<Hangup reason='x'/>")
    assert parsed.verbs == (Hangup(),)
    assert codes(parsed) == [12200]


def test_it_carries_parameters() -> None:
    parsed = document(
        "<Hangup><Parameter name='a' value='b'/><Parameter name='c'/><Parameter value='d'/><Say/></Hangup>"
    )
    assert parsed.verbs == (Hangup((("a", "b"), ("c", ""))),)
    assert codes(parsed) == [12200, 12200]


async def test_what_it_sends_back() -> None:
    book = Playbook(fetch(VOICE) >> twiml("<Hangup><Parameter name='a' value='b'/></Hangup>"), op("hangup"))
    await book.play_out()
    assert book.returned == (("a", "b"),)


async def test_nothing_runs_after_it() -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Say>Hello</Say><Hangup/><Say>Unreachable</Say>"), speech("Hello"), op("hangup")
    ).play_out()


async def test_as_the_first_verb_it_ends_the_call() -> None:
    await Playbook(fetch(VOICE) >> twiml("<Hangup/>"), op("hangup")).play_out()
