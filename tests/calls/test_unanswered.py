"""What waits until a dial has been answered."""

from callwright.calls.unanswered import Unanswered
from tests.calls.jumping import turns


async def test_all_who_wait_are_told_once() -> None:
    unanswered, told = Unanswered(), list[str]()
    with unanswered.ringing(7):
        assert unanswered.wait(7, lambda: told.append("one")) and unanswered.wait(7, lambda: told.append("other"))
        unanswered.settled(7)
        assert told == [], "not while somebody is in the middle of something"
        await turns()
        assert told == ["one", "other"]
        assert not unanswered.wait(7, lambda: told.append("late")), "it has been answered"
    await turns()
    assert told == ["one", "other"] and len(unanswered) == 0


async def test_one_that_is_given_up() -> None:
    unanswered, told = Unanswered(), list[str]()
    with unanswered.ringing(7):
        unanswered.wait(7, lambda: told.append("one"))
    await turns()
    assert told == ["one"] and len(unanswered) == 0


async def test_nobody_rings() -> None:
    assert not Unanswered().wait(7, lambda: None)


async def test_the_next_dial_of_a_leg_is_another_one() -> None:
    unanswered, told = Unanswered(), list[str]()
    with unanswered.ringing(7):
        unanswered.settled(7)
        with unanswered.ringing(7):
            unanswered.wait(7, lambda: told.append("inner"))
    await turns()
    assert told == ["inner"]
