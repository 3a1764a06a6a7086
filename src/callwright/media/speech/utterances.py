"""A recording cut into its utterances, each short enough for a recogniser."""

from pathlib import Path

from callwright.media import wave
from callwright.media.voice import FRAME_MS, Analysis, Endpointer, Turn, VoiceActivity

PAUSE_S, LONGEST_S = 0.7, 30.0
LEAD_FRAMES = Endpointer.BEGIN_WINDOW + 15
"""So many frames before an utterance was noticed belong to it."""


def utterances(path: Path) -> tuple[list[bytes], int]:
    """What is said in a recording, without the pauses between. Blocks; holds the whole recording in memory.

    Args:
        path: a mono file of 16 bits.

    Returns:
        The utterances (int16 little-endian mono samples) in their order, and their rate in Hz.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no such file.
    """
    facts = wave.measure(path)
    if (facts.bits, facts.channels) != (16, 1):
        raise ValueError(f"{facts.bits} bits and {facts.channels} channels, not 16 and 1")
    with path.open("rb") as file:
        file.seek(facts.data_offset)
        samples = file.read(facts.data_bytes)
    activity, endpointer = VoiceActivity(), Endpointer(PAUSE_S, LONGEST_S)
    size = 2 * (facts.rate * FRAME_MS // 1000)
    found, begun = [], 0
    for place, frame in enumerate(Analysis(facts.rate).feed(samples)):
        before, after = endpointer.turn, endpointer.feed(activity.feed(frame))
        if before is Turn.WAITING and after is Turn.SPEAKING:
            begun = max(0, place - LEAD_FRAMES)
        elif after is Turn.OVER:
            found.append(samples[begun * size : (place + 1) * size])
            endpointer.reset()
    if endpointer.turn is Turn.SPEAKING:
        found.append(samples[begun * size :])
    return found, facts.rate
