"""What the running daemon's figures say of a trunk."""

import datetime
from typing import Any

import pytest

from callwright.cli.checks.live import live
from callwright.cli.trunks import samples
from callwright.config import DEMO_ACCOUNT, validate

AT = datetime.datetime(2026, 5, 4, 12, 0, tzinfo=datetime.UTC)
CALLS = 'callwright_trunk_calls{trunk="x"} 2.0\n'


def lines(text: str, **keys: Any) -> list[str]:
    trunk = {"name": "x", "account": DEMO_ACCOUNT, "max_calls": 30, **keys}
    config = validate({"account": [{"sid": DEMO_ACCOUNT}], "trunk": [trunk]})
    return [one.line() for one in live(config.trunk[0], samples(text), AT)]


def registered(state: str, value: int, left: int, fault: str = "") -> str:
    text = f'callwright_trunk_registered{{state="{state}",trunk="x"}} {value}\n'
    text += f'callwright_trunk_registration_left_seconds{{trunk="x"}} {left}\n'
    return text + (f'callwright_trunk_registration_fault{{trunk="x",fault="{fault}"}} 1\n' if fault else "")


def test_calls_and_gateways() -> None:
    text = CALLS + 'callwright_trunk_target_up{target="sip:192.0.2.1",trunk="x"} 0.0\n'
    text += 'callwright_trunk_target_up{target="sip:192.0.2.2",trunk="x"} 1.0\n'
    calls, down = lines(text)
    assert calls == "ok   trunk x: 2 of 30 calls now"
    assert down.startswith("warn trunk x sip:192.0.2.1: is left alone by the running daemon. Its log tells why")


def test_a_file_that_was_changed_since() -> None:
    assert lines('callwright_trunk_calls{trunk="y"} 2.0\n') == [
        "warn trunk x: the running daemon does not know it. Was the file changed since its start? Restart it"
    ]
    line = lines(CALLS, register=REGISTRATION)[1]
    assert line.startswith("warn trunk x registration of sip:line1@carrier.test: the running daemon does not know it")


REGISTRATION = {"server": "sip:carrier.test", "username": "line1", "password": "secret"}
TEST_IT = "callwright trunk test x asks the carrier now"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (registered("registered", 1, 1800), "ok   {}: the running daemon is registered until 12:30:00 UTC"),
        (
            registered("refused", 1, 60, "403 Forbidden"),
            "warn {}: registered until 12:01:00 UTC, but its last attempt has failed: 403 Forbidden. " + TEST_IT,
        ),
        (
            registered("refused", 0, 0, "401 Unauthorized"),
            "FAIL {}: the running daemon is not registered (refused): 401 Unauthorized. " + TEST_IT,
        ),
        (registered("idle", 0, 0), "warn {}: the running daemon is not registered yet (idle). " + TEST_IT),
    ],
)
def test_a_registration(text: str, line: str) -> None:
    told = lines(CALLS + text, register=REGISTRATION)[1]
    assert told == line.format("trunk x registration of sip:line1@carrier.test")
