"""The sounds of a run: speech-shaped, deterministic, and never silent, so that no saving on silence flatters anyone.

As a program it writes the peer's prompts: `python3 bench/audio.py --peer CHROOT` (standard library only).
"""

import argparse
import array
import math
import wave
from io import BytesIO
from pathlib import Path

RATE = 8000
SECONDS = 10
PROMPT_HZ = 230
PEER_PROMPT = "var/lib/asterisk/sounds/bench/prompt10"


def signal(pitch: float) -> "array.array[int]":
    """10 s of 16-bit samples at 8 kHz: seven harmonics under an envelope of syllables."""
    samples = array.array("h")
    for n in range(RATE * SECONDS):
        t = n / RATE
        envelope = 0.55 + 0.45 * math.sin(2 * math.pi * 3.7 * t)
        fundamental = pitch + 25 * math.sin(2 * math.pi * 0.6 * t)
        x = sum(math.sin(2 * math.pi * fundamental * k * t) / k for k in range(1, 8))
        samples.append(int(7000 * envelope * x / 2.0))
    return samples


def mulaw(sample: int) -> int:
    """One sample in G.711 mu-law."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), 32635) + 132
    exponent = max(magnitude.bit_length() - 8, 0)
    return ~(sign | exponent << 4 | (magnitude >> (exponent + 3)) & 0x0F) & 0xFF


def prompt_wav() -> bytes:
    """The prompt as a WAV file, for an application server to serve."""
    file = BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(signal(PROMPT_HZ).tobytes())
    return file.getvalue()


def write_peer(root: Path) -> None:
    """The same prompt for the peer's dialplan, already in PCMU, and in linear samples."""
    samples = signal(PROMPT_HZ)
    base = root / PEER_PROMPT
    base.parent.mkdir(parents=True, exist_ok=True)
    base.with_name("prompt10.ulaw").write_bytes(bytes(map(mulaw, samples)))
    base.with_name("prompt10slin.sln").write_bytes(samples.tobytes())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", type=Path, required=True, metavar="CHROOT")
    write_peer(parser.parse_args().peer)
