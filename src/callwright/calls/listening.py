"""Listening to a leg while a gather waits for words (call-control reference §1.4)."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from callwright.calls.control import SpeechPlan
from callwright.errors import MediaError
from callwright.media.speech.profanity import masked
from callwright.media.speech.recognition import Heard, Hearing, Listening, Recognition
from callwright.media.voice import Analysis, Endpointer, Turn, VoiceActivity

if TYPE_CHECKING:
    from callwright.calls.call import Call

AUTO_PAUSE_S = 1.0
"""What ends an utterance when the document leaves it to us."""
LEAD_S = 0.5
"""So much of what came before the voice was noticed belongs to the utterance."""
TAIL_FRAMES = 40
"""So many frames without voice are part of it; a longer pause is left out."""
RESULT_S = 30.0
"""The most that somebody waits to be understood, for a free recogniser, too."""
LANGUAGE_UNKNOWN, HINTS_LEFT_OUT, UNHEARD = 13331, 13330, 13340
HINTS_SHOWN = 5


def recogniser(call: "Call", plan: SpeechPlan) -> Recognition | None:
    """Who can understand what a plan wants to hear; None, with a warning, when nobody can."""
    recognition = call.exchange.recognition
    if recognition is None:
        message = "<Gather>: speech is not recognised: speech.recognition is switched off"
        call.note("warning", code=UNHEARD, message=message)
        return None
    if not recognition.knows(plan.language):
        message = f"<Gather>: speech in {plan.language} is not recognised: the model has another language"
        call.note("warning", code=LANGUAGE_UNKNOWN, message=message)
        return None
    return recognition


class Partials:
    """What was understood so far, posted to the application: its answer is of no consequence."""

    def __init__(self, call: "Call", plan: SpeechPlan) -> None:
        self._call = call
        self._plan = plan
        self._sequence = 0
        self._last: list[str] = []

    def post(self, text: str) -> None:
        """Posts a partial result. Its words are stable as far as they are those of the one before."""
        if (hook := self._plan.partial) is None:
            return
        words = text.split()
        stable = 0
        while stable < min(len(words), len(self._last)) and words[stable] == self._last[stable]:
            stable += 1
        self._last = words
        params = {
            **self._call.parameters(),
            "StableSpeechResult": self._shown(words[:stable]),
            "UnstableSpeechResult": self._shown(words[stable:]),
            "Stability": f"{stable / max(1, len(words)):.2f}",
            "SequenceNumber": str(self._sequence),
            "Language": self._plan.language,
        }
        self._sequence += 1
        self._call.exchange.callbacks.post(
            account=self._call.account, call_sid=self._call.sid, hook=hook, params=params, kind="gather-partial"
        )

    def _shown(self, words: list[str]) -> str:
        text = " ".join(words)
        return text if self._plan.unmasked else masked(text)


class Listener:
    """Utterances of one leg, until `close`.

    Args:
        began: called when somebody begins to speak.
        ended: called with what was understood of an utterance; its text is "" for nothing.
    """

    def __init__(
        self,
        call: "Call",
        plan: SpeechPlan,
        recognition: Recognition,
        *,
        began: Callable[[], None],
        ended: Callable[[Heard], None],
    ) -> None:
        self._call = call
        self._plan = plan
        self._recognition = recognition
        self._began, self._ended = began, ended
        self._partials = Partials(call, plan)
        self._tap = call.exchange.endpoint.tap(call.require_leg().node, self._hear)
        self._analysis = Analysis(self._tap.rate)
        self._activity = VoiceActivity()
        self._endpointer = Endpointer(plan.pause or AUTO_PAUSE_S, plan.longest)
        self._lead: deque[bytes] = deque()
        self._quiet = 0
        self._attending = False
        self._hearing: Hearing | None = None
        self._finishing: asyncio.Task[None] | None = None

    def attend(self) -> None:
        """From now on what is said counts; until then only the noise of the line was learnt."""
        self._attending = True

    def close(self) -> None:
        """Hears no more. Idempotent."""
        self._tap.close()
        if self._hearing is not None:
            self._hearing.close()
            self._hearing = None
        if self._finishing is not None:
            self._finishing.cancel()

    def _hear(self, samples: bytes) -> None:
        for frame in self._analysis.feed(samples):
            voice = self._activity.feed(frame)
            self._quiet = 0 if voice else self._quiet + 1
            if self._attending:
                self._turn(voice)
        self._keep(samples)

    def _keep(self, samples: bytes) -> None:
        """Sound goes to the recogniser while somebody speaks, else it waits to be an utterance's lead."""
        self._lead.append(samples)
        speaking = self._endpointer.turn is Turn.SPEAKING and self._quiet < TAIL_FRAMES
        if self._hearing is not None and speaking:
            while self._lead:
                self._hearing.feed(self._lead.popleft())
        room = LEAD_S * self._tap.rate * 2
        while sum(map(len, self._lead)) > room:
            self._lead.popleft()

    def _turn(self, voice: bool) -> None:
        before = self._endpointer.turn
        after = self._endpointer.feed(voice)
        if before is Turn.WAITING and after is Turn.SPEAKING:
            self._begin()
        elif before is Turn.SPEAKING and after is Turn.OVER and self._hearing is not None:
            tasks = self._call.exchange.tasks
            self._finishing = tasks.spawn(self._finish(self._hearing), f"utterance in {self._call.sid}")

    def _begin(self) -> None:
        plan = self._plan
        listening = Listening(plan.language, plan.hints, plan.commands)
        partial = self._partials.post if plan.partial is not None else None
        self._hearing = self._recognition.hear(listening, self._tap.rate, partial)
        self._call.log.debug("- somebody speaks")
        self._began()

    async def _finish(self, hearing: Hearing) -> None:
        try:
            async with asyncio.timeout(RESULT_S):
                heard = await hearing.finish()
        except TimeoutError:
            self._call.note("warning", code=UNHEARD, message=f"<Gather>: nothing was understood within {RESULT_S:g} s")
            heard = Heard()
        except MediaError as error:
            self._call.note("warning", code=error.code, message=f"<Gather>: {error.message}")
            heard = Heard()
        finally:
            hearing.close()
        self._hearing = None
        self._endpointer.reset()
        if heard.left_out:
            shown = ", ".join(heard.left_out[:HINTS_SHOWN])
            message = f"<Gather>: {len(heard.left_out)} hints that nobody can pronounce are left out: {shown}"
            self._call.note("warning", code=HINTS_LEFT_OUT, message=message)
        text = heard.text if self._plan.unmasked else masked(heard.text)
        self._ended(Heard(text, heard.confidence))
