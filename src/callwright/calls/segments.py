"""In how many pieces a text goes over the air."""

import math

NARROW = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€"
)
"""What a segment of seven bits a character can hold (3GPP TS 23.038)."""


def segments(body: str) -> int:
    """The number of short messages that a text needs."""
    alone, each = (160, 153) if set(body) <= NARROW else (70, 67)
    return 1 if len(body) <= alone else math.ceil(len(body) / each)
