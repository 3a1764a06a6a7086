"""Message summaries: how many messages wait in a mailbox (RFC 3842 §5.2). What is published is read with care, and what
watchers get is put together of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce

from callwright.sip.events.document import Document
from callwright.sip.events.package import MESSAGE_SUMMARY

MOST_BYTES = 4 * 1024
"""Of a published summary."""
MOST_MESSAGES = 9_999_999
"""Of one kind, that anybody may say that there are."""
VOICE = "Voice-Message"
CLASSES = (VOICE, "Fax-Message", "Multimedia-Message", "Text-Message", "Pager-Message")
"""Classes of messages that are counted (RFC 3458 §6.2), in the order in which they are told."""

_CLASS = {name.lower(): name for name in CLASSES}
_COUNTS = re.compile(r"(\d{1,7})\s*/\s*(\d{1,7})(?:\s*\(\s*(\d{1,7})\s*/\s*(\d{1,7})\s*\))?")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}:[!-~]{1,200}")
_LINE = re.compile(r"([A-Za-z0-9!%*_+`'~.-]{1,64})[ \t]*:[ \t]*(.*)")


@dataclass(frozen=True, slots=True)
class Counts:
    """Messages of one class. The urgent ones are among the new and the old."""

    new: int = 0
    old: int = 0
    new_urgent: int = 0
    old_urgent: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError when more are urgent than there are."""
        if self.new_urgent > self.new or self.old_urgent > self.old:
            raise ValueError("more messages are urgent than there are")

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.new + other.new,
            self.old + other.old,
            self.new_urgent + other.new_urgent,
            self.old_urgent + other.old_urgent,
        )

    def __str__(self) -> str:
        """As a summary's line has it."""
        return f"{self.new}/{self.old} ({self.new_urgent}/{self.old_urgent})"


@dataclass(frozen=True, slots=True)
class Summary:
    """What one source knows of a mailbox.

    Attributes:
        waiting: whether there is something new, which a phone shows by its lamp.
        account: URI by which the messages are heard; "" when nobody has said.
        counts: by the class of messages, as far as they are counted.
    """

    waiting: bool = False
    account: str = ""
    counts: dict[str, Counts] = field(default_factory=dict)

    @classmethod
    def of_voice(cls, counts: Counts, account: str = "") -> "Summary":
        """That of a mailbox of voice messages alone."""
        return cls(counts.new > 0, account, {VOICE: counts})

    @property
    def voice(self) -> Counts:
        """Its voice messages."""
        return self.counts.get(VOICE, Counts())

    def __add__(self, other: "Summary") -> "Summary":
        """What two sources know together; of two accounts the second one's."""
        counts = {
            name: self.counts.get(name, Counts()) + other.counts.get(name, Counts())
            for name in CLASSES
            if name in self.counts or name in other.counts
        }
        return Summary(self.waiting or other.waiting, other.account or self.account, counts)

    def __str__(self) -> str:
        """As a document."""
        lines = [f"Messages-Waiting: {'yes' if self.waiting else 'no'}"]
        lines += [f"Message-Account: {self.account}"] if self.account else []
        lines += [f"{name}: {self.counts[name]}" for name in CLASSES if name in self.counts]
        return "".join(f"{line}\r\n" for line in lines)


def is_account(uri: str) -> bool:
    """Whether a URI can be a summary's account."""
    return _URI.fullmatch(uri) is not None and not set(uri) & set('<>"')


def parse(body: bytes) -> Summary:
    """A published summary; header fields of single messages, which may follow it, are left out.

    Raises:
        ValueError: too long, not UTF-8, or no summary.
    """
    if len(body) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES} bytes")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    lines = text.replace("\r\n", "\n").partition("\n\n")[0].strip("\n").split("\n")
    fields = [_field(line) for line in lines]
    name, status = fields[0]
    if name != "messages-waiting" or status.lower() not in ("yes", "no"):
        raise ValueError("it does not begin with Messages-Waiting: yes, or no")
    if len({name for name, _ in fields}) < len(fields):
        raise ValueError("a line stands twice")
    account = dict(fields).get("message-account", "")
    if account and not is_account(account):
        raise ValueError("Message-Account is no URI")
    counts = {_CLASS[name]: _counts(name, value) for name, value in fields if name in _CLASS}
    return Summary(status.lower() == "yes", account, counts)


def _field(line: str) -> tuple[str, str]:
    """Name, in lower case, and value of a line."""
    if (found := _LINE.fullmatch(line)) is None:
        raise ValueError(f"no header field: {line[:40]!r}")
    return found[1].lower(), found[2].strip()


def _counts(name: str, value: str) -> Counts:
    if (found := _COUNTS.fullmatch(value)) is None:
        raise ValueError(f"{_CLASS[name]} is not NEW/OLD (URGENT/URGENT): {value[:40]!r}")
    return Counts(*(int(number or 0) for number in found.groups()))


def together(summaries: Sequence[Summary]) -> Summary:
    """What all sources know of a mailbox."""
    return reduce(lambda one, other: one + other, summaries, Summary())


def document(account: str, summary: Summary) -> Document:
    """What watchers of a mailbox are told. Voice messages are always counted, but where somebody only said that there
    are some.

    Args:
        account: URI of the mailbox, when nobody has named another one.
    """
    if not summary.waiting or summary.counts:
        summary += Summary(counts={VOICE: Counts()})
    return Document(
        MESSAGE_SUMMARY.content_type, str(Summary(summary.waiting, summary.account or account, summary.counts))
    )
