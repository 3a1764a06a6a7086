"""<Pay>: out of scope, and never silently."""

import pytest

from callwright.calls.application import Hook
from tests.twiml.playbook import VOICE, Playbook, codes, document, fetch, op, speech, twiml

ACTION = Hook("http://app.example/a")


@pytest.mark.parametrize(
    ("xml", "warned"),
    [
        ("<Pay/>", [64001]),
        ("<Pay chargeAmount='9.99' currency='eur' timeout='5' maxAttempts='3' securityCode='false'/>", [64001]),
        ("<Pay><Prompt for='payment-card-number' attempt='1 2'><Say>x</Say></Prompt></Pay>", [64001]),
        ("<Pay><Parameter name='a' value='b'/></Pay>", [64001]),
        ("<Pay chargeAmount='much' maxAttempts='4'/>", [64001, 64001, 64001]),
        ("<Pay colour='red'><Say>x</Say></Pay>", [12200, 12200, 64001]),
    ],
)
def test_what_it_may_say(xml: str, warned: list[int]) -> None:
    assert codes(document(xml)) == warned


async def test_its_action_is_told() -> None:
    await Playbook(
        fetch(VOICE) >> twiml("<Pay action='/a'/><Say>Unreachable</Say>"),
        fetch(ACTION, Result="internal-error", ErrorCode="64001") >> twiml("<Reject/>"),
        op("reject", "rejected"),
    ).play_out()


async def test_without_an_action_the_next_verb_runs() -> None:
    await Playbook(fetch(VOICE) >> twiml("<Pay/><Say>Next</Say>"), speech("Next"), op("hangup")).play_out()
