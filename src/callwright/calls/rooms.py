"""Where calls meet others than those they dial: the conferences and queues of one daemon."""

from dataclasses import dataclass, field

from callwright.calls.backdrop import Music, Programmes
from callwright.calls.conference.registry import Conferences
from callwright.calls.queue.registry import Queues


@dataclass(frozen=True, slots=True)
class Rooms:
    """Conferences and queues, and what is heard by those who wait in them."""

    programmes: Programmes
    music: Music
    conferences: Conferences = field(default_factory=Conferences)
    queues: Queues = field(default_factory=Queues)
