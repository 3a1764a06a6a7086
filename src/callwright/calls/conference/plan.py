"""What a call asks of a conference (call-control reference §1.6)."""

from dataclasses import dataclass, field

from callwright.calls.application import Hook
from callwright.calls.backdrop import Backdrop, Heard
from callwright.calls.control import DialRecording, RecordingCallback, StatusCallback

EVENTS = frozenset({"start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement"})
"""Groups of events that a status callback may ask for."""

MOST_PARTICIPANTS = 250

NOT_IN_CONFERENCE = 16003
FULL = 16020
GONE = 16022
BAD_LABEL = 16023
LABEL_IN_USE = 16025
COACHED_ABSENT = 16028
NOT_STARTED = 16099


@dataclass(frozen=True, slots=True)
class ConferenceSettings:
    """What holds for a whole conference; its first participant decides.

    Attributes:
        callback: where its events are posted, and which groups of `EVENTS`.
        event_callback: the older callback, told of the finished recording alone.
    """

    max_participants: int = MOST_PARTICIPANTS
    record: bool = False
    trim: bool = True
    region: str = "us1"
    callback: StatusCallback | None = None
    recording_callback: RecordingCallback | None = None
    event_callback: Hook | None = None


@dataclass(frozen=True, slots=True)
class ConferencePlan:
    """How one call takes part.

    Attributes:
        name: of the conference, unique among the live ones of the account.
        label: another name for the participant than its CallSid; "" for none.
        coach: the CallSid of the participant who alone hears this one; "" for nobody.
        wait: what is heard until the conference starts.
        time_limit: seconds in it.
        recording: of this call, beside that of the conference.
    """

    name: str
    settings: ConferenceSettings = field(default_factory=ConferenceSettings)
    muted: bool = False
    beep_on_enter: bool = True
    beep_on_exit: bool = True
    start_on_enter: bool = True
    end_on_exit: bool = False
    label: str = ""
    coach: str = ""
    wait: Heard = Backdrop.MUSIC
    time_limit: float = 14400.0
    hangup_on_star: bool = False
    recording: DialRecording | None = None
