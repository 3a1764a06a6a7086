"""The commands `doctor` and `trunk test`: lines, and what they end with."""

from pathlib import Path

import pytest

from callwright.cli import examination
from callwright.cli.checks.finding import Finding, bad, doubtful, exit_code, good
from callwright.cli.checks.question import Hop
from callwright.cli.checks.ways import Way
from callwright.cli.doctor import wrapped
from callwright.config import DEMO_ACCOUNT, validate
from callwright.sip.trunks import declared
from tests.cli.test_app import file, invoke
from tests.harness.ports import daemon_address, free_ports

ACCOUNT = f'[[account]]\nsid = "{DEMO_ACCOUNT}"\n'


def test_lines_and_exit_codes() -> None:
    findings = [good("a", "b"), doubtful("a", "b", "c"), bad("a", "b", "c")]
    assert [one.line() for one in findings] == ["ok   a: b", "warn a: b. c", "FAIL a: b. c"]
    assert (exit_code(findings[:2]), exit_code(findings), exit_code([])) == (0, 1, 0)


def test_a_line_on_a_terminal() -> None:
    line = bad("trunk x", "none of SRV _sip._udp.carrier.example", "dig SRV _sip._udp.carrier.example").line()
    assert wrapped(line, 0) == line
    rows = wrapped(line, 60).split("\n")
    assert rows == [
        "FAIL trunk x: none of SRV _sip._udp.carrier.example. dig SRV",
        "     _sip._udp.carrier.example",
    ]


def test_of_a_gateway_one_place_is_enough() -> None:
    silent, there = bad("a", "no answer", "Is it open?"), good("b", "200")
    assert examination._together([silent, silent]) == [silent, silent]
    first, second = examination._together([silent, there])
    assert (first.line(), second) == ("warn a: no answer. Calls take the next. Is it open?", there)


async def test_authorities_that_cannot_be_read() -> None:
    config = validate({"sip": {"ca": "/nowhere/ca.pem"}})
    found = await examination._asked(config, Way("sips:192.0.2.1", (), ()), Hop("192.0.2.1", 5061, "tls"), 1.0)
    assert found.line().startswith("FAIL sip.ca /nowhere/ca.pem: No such file or directory. A PEM file")


def test_doctor_on_a_machine_that_could_serve(tmp_path: Path) -> None:
    host, (sip, http) = daemon_address(), free_ports(2)
    text = f'[http]\nlisten = "{host}:{http}"\n[sip]\nlisten = ["udp:{host}:{sip}"]\n[media]\naddress = "{host}"\n'
    code, out, _ = invoke("doctor", "--config", file(tmp_path, text + ACCOUNT), "--data", str(tmp_path / "var"))
    lines = out.splitlines()
    assert code == 0, out
    assert lines[0] == f"ok   daemon: does not run on {tmp_path / 'var'}"
    assert f"ok   sip.listen udp:{host}:{sip}: can be bound" in lines
    assert all(line[:5] in ("ok   ", "warn ") for line in lines) and not (tmp_path / "var").exists()


def test_doctor_of_a_broken_file(tmp_path: Path) -> None:
    code, out, _ = invoke("doctor", "--config", file(tmp_path, "[sip]\nnonsense = 1\n"))
    assert (code, out) == (1, "FAIL configuration: sip.nonsense: unknown key. callwright check-config tells all\n")


def test_a_trunk_that_is_not_there(tmp_path: Path) -> None:
    code, out, _ = invoke("trunk", "test", "x", "--config", file(tmp_path, ACCOUNT))
    assert (code, out) == (1, "FAIL trunk x: is not in the file. It declares: there is none\n")


def test_a_trunk_that_carries_nothing_out(tmp_path: Path) -> None:
    text = f'{ACCOUNT}[[trunk]]\nname = "in"\naccount = "{DEMO_ACCOUNT}"\n'
    code, out, _ = invoke("trunk", "test", "in", "--config", file(tmp_path, text))
    assert code == 0 and out.startswith("warn trunk in: has no targets")


async def test_a_call_by_tls_needs_the_certificate() -> None:
    """The fault names the key of the file, as the daemon's start would."""
    section = {"name": "x", "account": DEMO_ACCOUNT, "targets": ["sips:192.0.2.1"]}
    files = {"certificate": "/nowhere/certificate.pem", "private_key": "/nowhere/key.pem"}
    sip = {"listen": [{"address": "tls:127.0.0.1:5061", **files}]}
    config = validate({"account": [{"sid": DEMO_ACCOUNT}], "trunk": [section], "sip": sip})
    hop = Hop("192.0.2.1", 5061, "tls")
    trunk = declared(config.trunk[0])
    found = await examination._called(config, trunk, "sips:192.0.2.1", hop, "+15550001000", "x")
    assert found.level == "FAIL" and found.why.startswith("sip.listen.0.certificate: /nowhere/certificate.pem: ")


@pytest.mark.parametrize(("code", "level"), [(200, "ok"), (404, "ok"), (403, "warn"), (407, "warn"), (503, "warn")])
def test_what_an_answer_means(code: int, level: str) -> None:
    found: Finding = examination._judged("x", examination.Answer(code, "said", 0.012))
    assert (found.level, found.why) == (level, f"{code} said after 12 ms")
