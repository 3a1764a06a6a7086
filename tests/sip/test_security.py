"""The security line: its grammar, that no peer can forge it, and that fail2ban reads it (promise S3)."""

import logging
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callwright.log import JsonFormat, TextFormat
from callwright.sip import security
from callwright.sip.security import Occasion
from tests.harness.fail2ban import banned, commands

BLOCKED = Occasion("blocked", "192.0.2.7", 5060, "REGISTER", "alice", 60)
TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=130)
FORMATS = [TextFormat, JsonFormat]


def logged(style: type[logging.Formatter], line: str, area: str = "callwright.sip.security") -> str:
    """A message as the log's file shows it."""
    record = logging.LogRecord(area, logging.WARNING, "", 0, "%s", (line,), None)
    return style().format(record)


def test_the_line() -> None:
    assert BLOCKED.line() == "security kind=blocked source=192.0.2.7 port=5060 method=REGISTER user=alice seconds=60"
    assert Occasion("scanner", "2001:db8::7", 1).line() == (
        "security kind=scanner source=2001:db8::7 port=1 method=- user=- seconds=0"
    )


def test_an_event_without_a_user() -> None:
    """As of media, which knows addresses only."""
    detail = {"kind": "rtp-source", "source_host": "192.0.2.7", "source_port": 4000}
    assert Occasion.of(detail, 0) == Occasion("rtp-source", "192.0.2.7", 4000)


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_S3_the_grammar_is_fixed(user: str, method: str) -> None:
    """Whatever a peer calls itself: six fields, one line, and back again."""
    occasion = Occasion("auth-failed", "192.0.2.7", 5060, method, user)
    line = occasion.line()
    assert line.isascii() and line.isprintable()
    assert [field.partition("=")[0] for field in line.split(" ")[1:]] == [
        "kind", "source", "port", "method", "user", "seconds",
    ]  # fmt: skip
    assert Occasion.parse(line) == occasion


@pytest.mark.parametrize(
    "line",
    ["", "security", BLOCKED.line() + " ", BLOCKED.line().replace("port=5060", "port=x"), "x " + BLOCKED.line()],
)
def test_not_a_line(line: str) -> None:
    with pytest.raises(ValueError, match="not a security line"):
        Occasion.parse(line)


def test_scanners_are_in_lower_case() -> None:
    assert security.SCANNERS
    assert all(name == name.lower() and len(name) > 3 for name in security.SCANNERS)


def test_it_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    security.tell({"kind": "replayed", "source_host": "192.0.2.7", "source_port": 9, "user": "alice"}, 0)
    (record,) = caplog.records
    assert (record.levelno, record.name) == (logging.WARNING, "callwright.sip.security")
    assert Occasion.parse(record.getMessage()) == Occasion("replayed", "192.0.2.7", 9, "", "alice")


@pytest.mark.parametrize("style", FORMATS)
def test_S3_fail2ban_bans_what_cannot_be_forged(style: type[logging.Formatter], tmp_path: Path) -> None:
    """Each kind from an address of its own; IPv6 too."""
    kinds = ["auth-failed", "blocked", "user-blocked", "replayed", "scanner", "rtp-source"]
    lines = [
        logged(style, Occasion(kind, f"192.0.2.{number}", 5060, "REGISTER", "alice").line())
        for number, kind in enumerate(kinds)
    ]
    lines.append(logged(style, Occasion("blocked", "2001:db8::7", 5060, "INVITE", "").line()))
    assert banned(lines, tmp_path) == ["192.0.2.0", "192.0.2.1", "2001:db8::7"]
    aggressive = ["192.0.2.0", "192.0.2.1", "192.0.2.3", "192.0.2.4", "2001:db8::7"]
    assert banned(lines, tmp_path, "aggressive") == aggressive


def test_fail2ban_reads_a_system_log(tmp_path: Path) -> None:
    line = "Jan 31 10:00:00 host callwright[12]: " + logged(TextFormat, BLOCKED.line())
    assert banned([line], tmp_path) == ["192.0.2.7"]


@pytest.mark.parametrize("style", FORMATS)
def test_S3_no_peer_can_have_another_banned(style: type[logging.Formatter], tmp_path: Path) -> None:
    """What peers write into names and what other parts log of it are never read as a security line."""
    line, json_line = BLOCKED.line(), logged(JsonFormat, BLOCKED.line())
    text_line = logged(TextFormat, BLOCKED.line())
    claims = [f"x {line}", f'x"\n{text_line}', f'", "message": "{line}"}}', json_line, text_line, line]
    lines = [logged(style, Occasion("scanner", "192.0.2.9", 1, claim, claim).line()) for claim in claims]
    for area in ("callwright.sip.leg", "callwright.calls.call", "callwright.engine"):
        lines += [logged(style, f"call from {claim} to nobody", area) for claim in claims]
    lines += [logged(style, claim, "callwright.calls.call") for claim in claims]
    assert banned(lines, tmp_path, "aggressive") == ["192.0.2.9"] * len(claims)


def test_the_jail_is_one(tmp_path: Path) -> None:
    """Fail2ban takes the shipped jail: its filter, from the journal, three lines, every port."""
    told = commands(tmp_path)
    assert "['add', 'callwright', 'systemd']" in told
    assert "['set', 'callwright', 'maxretry', 3]" in told
    assert "_SYSTEMD_UNIT=callwright.service" in told
    assert told.count("'callwright', 'addfailregex'") + told.count("'multi-set', 'callwright', 'addfailregex'") >= 1
