"""The commands `doctor` and `trunk test`: lines, and what they end with."""

from pathlib import Path

import pytest

from callwright.cli import examination
from callwright.cli.checks.finding import Finding, bad, doubtful, exit_code, good
from callwright.config import DEMO_ACCOUNT, validate
from callwright.sip.trunks import declared
from tests.cli.test_app import file, invoke
from tests.harness.ports import daemon_address, free_ports

ACCOUNT = f'[[account]]\nsid = "{DEMO_ACCOUNT}"\n'


def test_lines_and_exit_codes() -> None:
    findings = [good("a", "b"), doubtful("a", "b", "c"), bad("a", "b", "c")]
    assert [one.line() for one in findings] == ["ok   a: b", "warn a: b. c", "FAIL a: b. c"]
    assert (exit_code(findings[:2]), exit_code(findings), exit_code([])) == (0, 1, 0)


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


@pytest.mark.parametrize(
    ("uri", "hop"),
    [
        ("sip:192.0.2.1", "udp:192.0.2.1:5060"),
        ("sip:x@192.0.2.1:5080;transport=tcp", "tcp:192.0.2.1:5080"),
        ("sips:192.0.2.1", "tls:192.0.2.1:5061"),
        ("sip:[2001:db8::1]:5070;transport=tls", "tls:[2001:db8::1]:5070"),
    ],
)
async def test_where_options_go(uri: str, hop: str) -> None:
    assert str(await examination._hop(uri)) == hop


async def test_a_call_by_tls_needs_the_certificate() -> None:
    """The fault names the key of the file, as the daemon's start would."""
    section = {"name": "x", "account": DEMO_ACCOUNT, "targets": ["sips:192.0.2.1"]}
    files = {"certificate": "/nowhere/certificate.pem", "private_key": "/nowhere/key.pem"}
    sip = {"listen": [{"address": "tls:127.0.0.1:5061", **files}]}
    config = validate({"account": [{"sid": DEMO_ACCOUNT}], "trunk": [section], "sip": sip})
    found = await examination._called(config, declared(config.trunk[0]), "sips:192.0.2.1", "+15550001000", "x")
    assert found.level == "FAIL" and found.why.startswith("sip.listen.0.certificate: /nowhere/certificate.pem: ")


@pytest.mark.parametrize(("code", "level"), [(200, "ok"), (404, "ok"), (403, "warn"), (407, "warn"), (503, "warn")])
def test_what_an_answer_means(code: int, level: str) -> None:
    found: Finding = examination._judged("x", examination.Answer(code, "said", 0.012))
    assert (found.level, found.why) == (level, f"{code} said after 12 ms")
