"""What a look at the machine or at a peer has found, in words."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line.

    Attributes:
        what: was looked at, by its configuration key where it has one.
        why: what was found.
        remedy: what to do; "" when nothing is.
    """

    level: Level
    what: str
    why: str
    remedy: str = ""

    def line(self) -> str:
        """`FAIL sip.listen udp:192.0.2.1:5060: another program has the port. Find it: ss -lunp`"""
        return f"{self.level:<4} {self.what}: {self.why}" + (f". {self.remedy}" if self.remedy else "")


def good(what: str, why: str) -> Finding:
    """Nothing to do."""
    return Finding(Level.OK, what, why)


def doubtful(what: str, why: str, remedy: str) -> Finding:
    """Calls go, and something should be done."""
    return Finding(Level.WARN, what, why, remedy)


def bad(what: str, why: str, remedy: str) -> Finding:
    """Calls fail, all or some."""
    return Finding(Level.FAIL, what, why, remedy)


def reason(error: OSError) -> str:
    """An error in the system's words: asyncio's own name no cause."""
    number = error.errno or 0
    return os.strerror(number) if number > 0 else error.strerror or str(error)


def exit_code(findings: Iterable[Finding]) -> int:
    """1 when anything is bad."""
    return int(any(one.level is Level.FAIL for one in findings))
