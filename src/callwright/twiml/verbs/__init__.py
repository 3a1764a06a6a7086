"""The verbs: one file each, with what it means and what it does; this registry is all that the document loop knows."""

from callwright.twiml.verbs.connect import Connect
from callwright.twiml.verbs.dial import Dial
from callwright.twiml.verbs.echo import Echo
from callwright.twiml.verbs.enqueue import Enqueue
from callwright.twiml.verbs.gather import Gather
from callwright.twiml.verbs.hangup import Hangup
from callwright.twiml.verbs.leave import Leave
from callwright.twiml.verbs.message import Message, Sms
from callwright.twiml.verbs.pause import Pause
from callwright.twiml.verbs.pay import Pay
from callwright.twiml.verbs.play import Play
from callwright.twiml.verbs.record import Record
from callwright.twiml.verbs.redirect import Redirect
from callwright.twiml.verbs.refer import Refer
from callwright.twiml.verbs.reject import Reject
from callwright.twiml.verbs.say import Say
from callwright.twiml.verbs.start import Start, Stop
from callwright.twiml.verbs.verb import Verb

VERBS: dict[str, type[Verb]] = {
    verb.name: verb
    for verb in (
        Connect,
        Dial,
        Echo,
        Enqueue,
        Gather,
        Hangup,
        Leave,
        Message,
        Pause,
        Pay,
        Play,
        Record,
        Redirect,
        Refer,
        Reject,
        Say,
        Sms,
        Start,
        Stop,
    )
}

__all__ = [
    "VERBS",
    "Connect",
    "Dial",
    "Echo",
    "Enqueue",
    "Gather",
    "Hangup",
    "Leave",
    "Message",
    "Pause",
    "Pay",
    "Play",
    "Record",
    "Redirect",
    "Refer",
    "Reject",
    "Say",
    "Sms",
    "Start",
    "Stop",
    "Verb",
]
