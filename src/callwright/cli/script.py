"""What the caller does in a simulated call: a script, one line an act.

    digits 12#          keys pressed at the next <Gather>; "digits" alone: none
    record 7 #          a message of 7 seconds, ended by # (or by hangup, or by silence when nothing stands there)
    dial completed 30   the dialled party talks for 30 seconds; or: busy, no-answer, failed, canceled
    hangup              the caller hangs up at the next verb that it would hear

Blank lines and lines that begin with # are passed over.
"""

from collections.abc import Iterable
from dataclasses import dataclass

ACTS = ("digits", "record", "dial", "hangup")
STATUSES = ("completed", "busy", "no-answer", "failed", "canceled")


@dataclass(frozen=True, slots=True)
class Act:
    """One line.

    Attributes:
        kind: one of ACTS.
        words: what stands behind it.
    """

    kind: str
    words: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The line as it was written."""
        return " ".join((self.kind, *self.words))


def read(lines: Iterable[str]) -> list[Act]:
    """The acts of a script.

    Raises:
        ValueError: the first line that is none, with its number.
    """
    acts = []
    for number, line in enumerate(lines, 1):
        kind, *words = line.split() or [""]
        if not kind or kind.startswith("#"):
            continue
        act = Act(kind, tuple(words))
        if fault := _fault(act):
            raise ValueError(f"line {number}: {line.strip()!r}: {fault}")
        acts.append(act)
    return acts


def keyed(digits: str) -> list[Act]:
    """The acts of a list of digits with commas between, one for each <Gather>.

    Raises:
        ValueError: something else than keys.
    """
    acts = [Act("digits", (one.strip(),) if one.strip() else ()) for one in digits.split(",")] if digits else []
    for act in acts:
        if fault := _fault(act):
            raise ValueError(f"{act.text!r}: {fault}")
    return acts


def _fault(act: Act) -> str:
    """What is wrong with an act; "" when nothing is."""
    match act.kind, act.words:
        case "hangup", ():
            return ""
        case "digits", () | (_,):
            keys = "".join(act.words)
            return "" if set(keys) <= set("0123456789*#ABCD") else "keys are 0-9 * # A-D"
        case "record", (seconds, *ending) if len(ending) <= 1 and seconds.isascii() and seconds.isdigit():
            return ""
        case "dial", (status, *seconds) if status in STATUSES and len(seconds) <= 1:
            return "" if all(one.isascii() and one.isdigit() for one in seconds) else "how long is in seconds"
    return f"an act is one of: digits KEYS, record SECONDS [KEY|hangup], dial {'|'.join(STATUSES)} [SECONDS], hangup"
