"""Tones that callers hear: ringing by country, and the beep before a recording.

A segment is (Hz, second Hz or 0, ms on, ms off), as the engine plays it. Source of the ringing tones: ITU-T E.180
Supplement 2 (Various tones used in national networks) and the national specifications, as exchanges and open PBXs play
them; the codes are those of `ringTone` (call-control reference §1.6).
"""

from collections.abc import Sequence

Segment = tuple[float, float, int, int]

BEEP: Sequence[Segment] = ((1000.0, 0.0, 500, 0),)
"""No standard names the tone before a message. 1,000 Hz passes every codec and is neither a DTMF frequency (697 to
1,633 Hz, ± 1.8 %) nor a fax tone (1,100, 2,100 Hz); half a second is what answering machines do."""

ENTER: Sequence[Segment] = ((659.3, 0.0, 90, 10), (880.0, 0.0, 140, 0))
EXIT: Sequence[Segment] = ((880.0, 0.0, 90, 10), (659.3, 0.0, 140, 0))
"""Somebody has entered or left a conference: a fourth up, a fourth down (E5, A5), clear of DTMF's pairs."""


def _steady(hz: float, on: int, off: int, second: float = 0.0) -> tuple[Segment, ...]:
    return ((hz, second, on, off),)


def _double(hz: float, second: float = 0.0) -> tuple[Segment, ...]:
    """Two short rings: 400 ms, 200 ms of silence, 400 ms, 2 s of silence."""
    return (hz, second, 400, 200), (hz, second, 400, 2000)


def _modulated(hz: float, by: float) -> tuple[float, float]:
    """Two tones around `hz` whose beat is heard as the modulation "hz x by"."""
    return hz - by / 2, hz + by / 2


def _warbling(hz: float, by: float, on: int, off: int) -> tuple[Segment, ...]:
    low, high = _modulated(hz, by)
    return _steady(low, on, off, high)


_USUAL = _steady(425, 1000, 4000)

RINGBACK: dict[str, tuple[Segment, ...]] = {
    "at": _steady(420, 1000, 5000),
    "au": _double(413, 438),
    "be": _steady(425, 1000, 3000),
    "bg": _USUAL,
    "br": _USUAL,
    "ch": _USUAL,
    "cl": _steady(400, 1000, 3000),
    "cn": _steady(450, 1000, 4000),
    "cz": _USUAL,
    "de": _USUAL,
    "dk": _USUAL,
    "ee": _USUAL,
    "es": _steady(425, 1500, 3000),
    "fi": _USUAL,
    "fr": _steady(440, 1500, 3500),
    "gr": _USUAL,
    "hu": _steady(425, 1250, 3750),
    "il": _steady(414, 1000, 3000),
    "in": _double(*_modulated(400, 25)),
    "it": _USUAL,
    "jp": _warbling(400, 16, 1000, 2000),
    "lt": _USUAL,
    "mx": _USUAL,
    "my": _double(425),
    "nl": _USUAL,
    "no": _USUAL,
    "nz": _double(400, 450),
    "ph": _steady(425, 1000, 4000, 480),
    "pl": _USUAL,
    "pt": _steady(425, 1000, 5000),
    "ru": _USUAL,
    "se": _steady(425, 1000, 5000),
    "sg": _double(*_modulated(425, 24)),
    "th": _steady(420, 1000, 5000),
    "tw": _steady(440, 1000, 2000, 480),
    "uk": _double(400, 450),
    "us": _steady(440, 2000, 4000, 480),
    "us-old": _warbling(420, 40, 2000, 4000),
    "ve": _USUAL,
    "za": _double(*_modulated(400, 33)),
}


def ringback(country: str) -> Sequence[Segment]:
    """What a caller hears while the called party rings, to be played in a loop.

    Args:
        country: a value of `ringTone`; "" or "automatic" for the default, us.

    Raises:
        ValueError: no such value.
    """
    code = "us" if country in ("", "automatic") else country
    if code not in RINGBACK:
        raise ValueError(f"no ringing tone {country[:20]!r}")
    return RINGBACK[code]
