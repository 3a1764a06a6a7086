"""Writing down what a recording says (call-control reference §1.5, §3.3)."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from callwright import clock, ids
from callwright.account import Account
from callwright.calls.application import Hook
from callwright.calls.control import Recorded
from callwright.errors import MediaError
from callwright.media.speech.recognition import Listening, Recognition
from callwright.media.speech.utterances import utterances
from callwright.store.traces import transcriptions

if TYPE_CHECKING:
    from callwright.calls.call import Call
    from callwright.calls.exchange import Callbacks

logger = logging.getLogger(__name__)

SHORTEST_S, LONGEST_S = 2, 120
MOST_WAITING = 1_000
"""Further recordings are not transcribed."""
WORK_S = 300.0
"""The most that the transcription of one recording may take, once it is its turn."""
UNHEARD = 13340
KIND = "transcription"


class Transcribers:
    """Takes one recording after the other, so that callers who speak now find a free recogniser."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    async def text(self, call: "Call", recorded: Recorded) -> str:
        """What a recording says.

        Raises:
            MediaError: 13340: it is too short, too long or gone, or nobody understands it.
        """
        if not SHORTEST_S <= recorded.duration <= LONGEST_S:
            raise MediaError(f"it has {recorded.duration} s, not {SHORTEST_S} to {LONGEST_S}", code=UNHEARD)
        if (recognition := call.exchange.recognition) is None:
            raise MediaError("speech.recognition is switched off", code=UNHEARD)
        if self._waiting >= MOST_WAITING:
            raise MediaError(f"{MOST_WAITING} others wait to be transcribed", code=UNHEARD)
        self._waiting += 1
        try:
            async with self._turn, asyncio.timeout(WORK_S):
                return await _understood(call, recorded, recognition)
        except TimeoutError:
            raise MediaError(f"it took longer than {WORK_S:g} s", code=UNHEARD) from None
        finally:
            self._waiting -= 1


async def _understood(call: "Call", recorded: Recorded, recognition: Recognition) -> str:
    path = call.exchange.recordings.path(call.account.sid, recorded.sid)
    try:
        said, rate = await asyncio.get_running_loop().run_in_executor(None, utterances, path)
    except (OSError, ValueError) as error:
        raise MediaError(f"its file cannot be read: {error}", code=UNHEARD) from error
    words = []
    for samples in said:
        hearing = recognition.hear(Listening(), rate)
        try:
            hearing.feed(samples)
            words.append((await hearing.finish()).text)
        finally:
            hearing.close()
    if not any(words):
        raise MediaError("nothing was understood", code=UNHEARD)
    return " ".join(filter(None, words))


class Transcription:
    """One transcription of a finished recording of a call, in the language that the recogniser's model has.

    Args:
        callback: where its end is posted; None for nowhere.
    """

    def __init__(self, call: "Call", recorded: Recorded, callback: Hook | None) -> None:
        self.sid = ids.new(ids.TRANSCRIPTION)
        self._call, self._recorded, self._callback = call, recorded, callback
        now = clock.now()
        self._row: dict[str, Any] = {
            "sid": self.sid,
            "account_sid": call.account.sid,
            "recording_sid": recorded.sid,
            "call_sid": call.sid,
            "date_created": now,
            "date_updated": now,
            "status": "in-progress",
            "duration": recorded.duration,
            "callback": self._stored(),
        }
        call.exchange.store.put(transcriptions, self._row)
        call.note(KIND, sid=self.sid, recording=recorded.sid)

    def _stored(self) -> dict[str, Any] | None:
        """Where its end is posted, as a restart after a crash needs it; None when it is not."""
        if self._callback is None:
            return None
        params = self._call.parameters() | {"RecordingUrl": self._recorded.url}
        return {"url": self._callback.url, "method": self._callback.method, "params": params}

    async def run(self) -> None:
        """To its end, which is told to the callback."""
        try:
            text = await self._call.exchange.transcribers.text(self._call, self._recorded)
        except MediaError as error:
            message = f"recording {self._recorded.sid} is not transcribed: {error.message}"
            self._call.note("warning", code=error.code, message=message)
            self._end("failed")
        except BaseException:
            self._end("failed")
            raise
        else:
            self._end("completed", text)

    def _end(self, status: str, text: str = "") -> None:
        self._row |= {"status": status, "text": text, "date_updated": clock.now()}
        self._call.exchange.store.put(transcriptions, self._row)
        self._call.note(KIND, sid=self.sid, status=status)
        if self._callback is not None:
            stored = {**self._row["callback"], "params": self._call.parameters() | {"RecordingUrl": self._recorded.url}}
            _post(self._row | {"callback": stored}, self._call.account, self._call.exchange.callbacks)


def begin(call: "Call", recorded: Recorded, callback: Hook | None) -> None:
    """Begins to transcribe a finished recording; it goes on whatever becomes of the call."""
    transcription = Transcription(call, recorded, callback)
    call.exchange.tasks.spawn(transcription.run(), f"transcription {transcription.sid}")


def post_lost(rows: Iterable[Mapping[str, Any]], accounts: Mapping[str, Account], callbacks: "Callbacks") -> None:
    """Posts the failure of each transcription that a crash cut off, to whoever asked for it."""
    for row in rows:
        account = accounts.get(row["account_sid"])
        if row["callback"] and account is not None:
            _post(row, account, callbacks)
            logger.info("transcription %s was interrupted by a crash", row["sid"])


def _post(row: Mapping[str, Any], account: Account, callbacks: "Callbacks") -> None:
    wanted = row["callback"]
    recording_url = wanted["params"]["RecordingUrl"]
    params = {
        **wanted["params"],
        "RecordingSid": row["recording_sid"],
        "TranscriptionSid": row["sid"],
        "TranscriptionText": row["text"] or "",
        "TranscriptionStatus": row["status"],
        "TranscriptionUrl": f"{recording_url}/Transcriptions/{row['sid']}",
        "TranscriptionType": "fast",
    }
    hook = Hook(wanted["url"], wanted["method"])
    callbacks.post(account=account, call_sid=row["call_sid"], hook=hook, params=params, kind=KIND)
