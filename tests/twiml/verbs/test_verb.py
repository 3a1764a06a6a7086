"""The registry, and what every verb in it has in common."""

from dataclasses import is_dataclass

import pytest

from callwright.twiml.verbs import VERBS, Verb, later


def test_every_verb_of_the_reference_is_known() -> None:
    simple = (
        "Say Play Pause Gather Record Dial Redirect Reject Hangup Connect Echo Enqueue Leave Message Pay Refer Sms "
        "Start Stop"
    )
    skipped = "Prompt Queue"
    assert set(VERBS) == set(simple.split())
    assert set(later.VERBS) == set(skipped.split())


@pytest.mark.parametrize("verb", VERBS.values(), ids=list(VERBS))
def test_verbs_are_frozen_values_with_distinct_attributes(verb: type[Verb]) -> None:
    assert is_dataclass(verb)
    assert verb.__dataclass_params__.frozen
    names = [attribute.name for attribute in verb.attributes]
    assert len(names) == len(set(names))
