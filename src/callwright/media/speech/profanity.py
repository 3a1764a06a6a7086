"""Words that are masked in what was understood, unless a document asks for them (call-control reference §1.4)."""

import re

_STEMS = ("fuck", "motherfuck", "shit", "bullshit", "cunt", "asshole", "bitch", "bastard", "dick", "pussy", "whore")
_ENDINGS = "(?:s|es|ed|er|ers|ing|in|y|head|heads)?"
_WORD = re.compile(rf"\b(?:{'|'.join(sorted(_STEMS, key=len, reverse=True))}){_ENDINGS}\b", re.IGNORECASE)


def masked(text: str) -> str:
    """The text with all but the first letter of a profane word as asterisks."""
    return _WORD.sub(lambda found: found[0][0] + "*" * (len(found[0]) - 1), text)
