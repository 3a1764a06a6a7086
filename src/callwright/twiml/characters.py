"""Control characters: what may leave a line, a log or a terminal, and has no sound."""

import unicodedata

CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories: controls, surrogates, line and paragraph separators. Joiners and wide blanks are text."""


def has_controls(text: str) -> bool:
    """Whether there is any control character in `text`."""
    return not text.isprintable() and any(unicodedata.category(character) in CONTROLS for character in text)


def without_controls(text: str) -> str:
    """`text` with a blank in place of each control character."""
    if text.isprintable():
        return text
    return "".join(" " if unicodedata.category(character) in CONTROLS else character for character in text)
