"""How English words are said that no dictionary holds: espeak-ng's phonemes in the recogniser's alphabet (ARPAbet)."""

import logging
import re
import subprocess
from collections.abc import Sequence

log = logging.getLogger(__name__)

SECONDS = 5.0
LONGEST_WORD = 30
_WORD = re.compile(r"[a-z']+")
_STRESS = str.maketrans("", "", "',%=|")

_TABLE = """
    a AE, aa AE, a# AH, A AA, A: AA, A@ AA R, 0 AA, O AO, O2 AA, O: AO, O@ AO R, o@ AO R, oU OW, OI OY, E EH, E2 EH,
    e EH, e@ EH R, eI EY, I IH, I2 IH, I# IH, i IY, i: IY, i@ IY AH, i@3 IH R, U UH, U@ UH R, u: UW, V AH, @ AH,
    @2 AH, @5 AH, @L AH L, 3 ER, 3: ER, aI AY, aI@ AY AH, aI3 AY ER, aU AW, aU@ AW ER,
    p P, b B, t T, t# T, t2 T, d D, d# D, k K, g G, f F, v V, s S, z Z, h HH, C HH, m M, n N, N NG, l L, l# L, r R,
    r- R, j Y, w W, tS CH, dZ JH, T TH, D DH, S SH, Z ZH, x K, ?, ;, -
"""
ARPABET: dict[str, list[str]] = {phoneme: phones for phoneme, *phones in (entry.split() for entry in _TABLE.split(","))}
"""Phonemes of espeak-ng's voice en-us, and what the recogniser calls them; some are not heard at all."""


def arpabet(phonemes: str) -> str | None:
    """Phonemes with "_" between them in the other alphabet; None when one has no counterpart."""
    phones: list[str] = []
    for phoneme in phonemes.split("_"):
        bare = phoneme.strip().translate(_STRESS)
        if not bare:
            continue
        if bare not in ARPABET:
            return None
        phones += ARPABET[bare]
    return " ".join(phones) or None


def pronounced(words: Sequence[str], command: str) -> dict[str, str]:
    """The words that can be said, each in ARPAbet.

    Args:
        words: lower case.
        command: espeak-ng's name or path.
    """
    asked = [word for word in words if _WORD.fullmatch(word) and len(word) <= LONGEST_WORD]
    if not asked:
        return {}
    arguments = [command, "-q", "-x", "--sep=_", "-v", "en-us", "--stdin"]
    text = "".join(f"{word}.\n" for word in asked)
    try:
        done = subprocess.run(arguments, input=text, capture_output=True, text=True, timeout=SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("words cannot be pronounced: %s: %s", command, error)
        return {}
    lines = done.stdout.splitlines()
    if len(lines) != len(asked):
        return {}
    return {word: phones for word, line in zip(asked, lines, strict=True) if (phones := arpabet(line))}
