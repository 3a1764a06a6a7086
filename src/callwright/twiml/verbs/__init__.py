"""The verbs: one file each, with what it means and what it does; this registry is all that the document loop knows."""

from callwright.twiml.verbs.dial import Dial
from callwright.twiml.verbs.enqueue import Enqueue
from callwright.twiml.verbs.gather import Gather
from callwright.twiml.verbs.hangup import Hangup
from callwright.twiml.verbs.leave import Leave
from callwright.twiml.verbs.pause import Pause
from callwright.twiml.verbs.play import Play
from callwright.twiml.verbs.record import Record
from callwright.twiml.verbs.redirect import Redirect
from callwright.twiml.verbs.reject import Reject
from callwright.twiml.verbs.say import Say
from callwright.twiml.verbs.verb import Verb

VERBS: dict[str, type[Verb]] = {
    verb.name: verb for verb in (Dial, Enqueue, Gather, Hangup, Leave, Pause, Play, Record, Redirect, Reject, Say)
}

__all__ = [
    "VERBS",
    "Dial",
    "Enqueue",
    "Gather",
    "Hangup",
    "Leave",
    "Pause",
    "Play",
    "Record",
    "Redirect",
    "Reject",
    "Say",
    "Verb",
]
