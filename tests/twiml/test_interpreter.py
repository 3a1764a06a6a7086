"""The loop over a document's verbs."""

from dataclasses import dataclass
from typing import ClassVar, Self

import pytest

from callwright.calls.control import CallControl
from callwright.calls.status import CallStatus
from callwright.errors import EngineError, LegGone, MediaError
from callwright.twiml.document import Document
from callwright.twiml.interpreter import interpret
from callwright.twiml.outcome import Finish, Next, Step
from callwright.twiml.pace import Pace
from callwright.twiml.reading import Element, Reading
from callwright.twiml.verbs import Verb
from tests.twiml.playbook import VOICE, Playbook


@dataclass(frozen=True, slots=True)
class Stand(Verb):
    """A verb of no dialect: the loop knows none by name."""

    name: ClassVar[str] = "Stand"

    step: Step | Exception = None
    seconds: float = 0.0

    @classmethod
    def parse(cls, element: Element, reading: Reading) -> Self | None:
        return None

    async def execute(self, control: CallControl) -> Step:
        assert isinstance(control, Playbook)
        control.time += self.seconds
        if isinstance(self.step, Exception):
            raise self.step
        return self.step


async def run(
    *verbs: Verb, pace: Pace | None = None, status: CallStatus = CallStatus.IN_PROGRESS
) -> tuple[Step, Playbook]:
    call = Playbook(status=status)
    return await interpret(Document(verbs), call, pace or Pace(), lambda: call.time), call


async def test_the_end_of_the_document_is_the_end_of_the_call() -> None:
    assert (await run())[0] == Finish()
    assert (await run(Stand(), Stand()))[0] == Finish()


async def test_a_step_elsewhere_leaves_the_rest() -> None:
    step, call = await run(Stand(), Stand(Next(VOICE)), Stand(EngineError("unreachable")))
    assert step == Next(VOICE)
    assert call.notes == [("verb", {"name": "Stand"})] * 2


async def test_a_sound_that_is_missing_is_noted_and_left_out() -> None:
    step, call = await run(Stand(MediaError("gone", code=11210)), Stand(Finish(hung_up=True)))
    assert step == Finish(hung_up=True)
    assert call.warnings == [11210]


@pytest.mark.parametrize("fault", [LegGone("gone"), EngineError("lost")])
async def test_other_faults_are_the_sessions_business(fault: Exception) -> None:
    with pytest.raises(type(fault)):
        await run(Stand(fault), Stand())


async def test_nothing_runs_on_a_call_that_has_ended() -> None:
    step, call = await run(Stand(EngineError("unreachable")), status=CallStatus.COMPLETED)
    assert step == Finish(hung_up=True)
    assert call.notes == []


async def test_the_time_of_a_verb_counts_whatever_came_of_it() -> None:
    pace = Pace()
    for _ in range(100):
        pace.begin()
    await run(Stand(MediaError("late"), seconds=0.5), Stand(seconds=0.5), pace=pace)
    assert pace.begin()
