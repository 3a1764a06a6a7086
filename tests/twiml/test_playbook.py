"""The scripted call itself: a script that is not followed must fail."""

import pytest

from tests.twiml.playbook import VOICE, Playbook, fetch, op, speech, twiml


async def test_a_step_out_of_order_fails() -> None:
    book = Playbook(fetch(VOICE) >> twiml("<Say>Hello</Say>"), speech("Good-bye"), op("hangup"))
    with pytest.raises(AssertionError, match="Good-bye"):
        await book.play_out()


async def test_a_step_that_is_never_reached_fails() -> None:
    book = Playbook(fetch(VOICE) >> twiml(""), op("hangup"), speech("Hello"))
    with pytest.raises(AssertionError, match="never reached"):
        await book.play_out()
