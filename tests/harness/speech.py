"""Codecs that the harness does not know by itself, by FFmpeg: what a peer that speaks them hears, and says."""

from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np

from . import tones
from .tones import Pcm

_DECODERS = {"G722": ("g722", 16000), "opus": ("libopus", 48000), "GSM": ("gsm", 8000), "G729": ("g729", 8000)}
_ENCODERS = {"G722": ("g722", 16000, 320), "opus": ("libopus", 48000, 960)}


def decoded(payloads: Sequence[bytes], name: str, rate: int) -> tuple[Pcm, int]:
    """The sound of RTP payloads one after the other, and its rate.

    Args:
        payloads: in order, without a gap.
        name: the codec's encoding name.
        rate: of L16 and G.711, which FFmpeg is not needed for.
    """
    if name not in _DECODERS:
        return np.concatenate([tones.decode(payload, name) for payload in payloads]), rate
    decoder, heard = _DECODERS[name]
    context = av.CodecContext.create(decoder, "r")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate, context.layout = heard, "mono"
    resampler = av.AudioResampler(format="s16", layout="mono", rate=heard)
    pieces = []
    for payload in payloads:
        for frame in context.decode(av.Packet(payload)):
            pieces += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
    return np.concatenate(pieces).astype(np.int16), heard


def encoded(pcm: Pcm, name: str) -> list[bytes]:
    """Payloads of 20 ms: G722 of samples at 16 kHz, Opus of samples at 48 kHz."""
    encoder, rate, samples = _ENCODERS[name]
    context = av.CodecContext.create(encoder, "w")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate, context.layout, context.format = rate, "mono", "s16"
    context.time_base = Fraction(1, rate)
    payloads = []
    for start in range(0, len(pcm) - samples + 1, samples):
        frame = av.AudioFrame.from_ndarray(pcm[np.newaxis, start : start + samples], format="s16", layout="mono")
        frame.sample_rate, frame.pts = rate, start
        payloads += [bytes(packet) for packet in context.encode(frame)]
    return payloads
