"""Certificates that are good, old, young, of another name, or none."""

import datetime
from pathlib import Path
from typing import Any

from callwright.cli.checks.certificates import certificates
from callwright.cli.checks.finding import Level
from callwright.config import DEMO_ACCOUNT, validate
from tests.harness.attesting import voucher
from tests.harness.certificates import Authority

NOW = datetime.datetime.now(datetime.UTC)
AUTHORITY = Authority()
PBX = AUTHORITY.issue("pbx.example")


def lines(raw: dict[str, Any], days: float = 0) -> list[str]:
    return [one.line() for one in certificates(validate(raw), NOW + datetime.timedelta(days=days))]


def https(directory: Path, public: str) -> dict[str, Any]:
    PBX.write(directory)
    files = {"certificate": str(directory / "certificate.pem"), "private_key": str(directory / "key.pem")}
    return {"server": {"public_url": public}, "http": files}


def test_none_are_named() -> None:
    assert lines({}) == []


def test_for_how_long(tmp_path: Path) -> None:
    """The tests' authority issues for a day."""
    raw = https(tmp_path, "https://pbx.example")
    (soon,) = lines(raw)
    assert soon.startswith("warn http.certificate: ") and "expires in 0 days" in soon
    (over,) = lines(raw, days=2)
    assert over.startswith("FAIL http.certificate: ") and "has expired on" in over
    (early,) = lines(raw, days=-2)
    assert early.startswith("FAIL") and "Is the clock right?" in early


def test_for_whom(tmp_path: Path) -> None:
    *_, line = lines(https(tmp_path, "https://other.example"))
    assert line.startswith("warn http.certificate: ") and "is not for other.example, but for pbx.example" in line


def test_what_is_no_certificate_or_not_of_this_key(tmp_path: Path) -> None:
    raw = https(tmp_path, "https://pbx.example")
    (tmp_path / "key.pem").write_text(AUTHORITY.issue("pbx.example").private_key)
    (line,) = lines(raw)
    assert line.startswith("FAIL http.certificate: ")
    sip = {
        "listen": ["tls:127.0.0.1:5061"],
        "certificate": str(tmp_path / "none"),
        "private_key": str(tmp_path / "key.pem"),
    }
    (line,) = lines({"sip": sip})
    assert line.startswith("FAIL sip.certificate: ") and "No such file" in line


def test_of_a_tls_listener(tmp_path: Path) -> None:
    files = https(tmp_path, "")["http"]
    sip = {"listen": ["tls:127.0.0.1:5061"], "domain": "sip.example", **files}
    first, second = lines({"sip": sip})
    assert first.startswith("warn sip.certificate: ") and "is not for sip.example" in second


def test_of_the_domains(tmp_path: Path) -> None:
    """Each its own, and the listener's is that of the others."""
    (tmp_path / "own").mkdir()
    AUTHORITY.issue("own.example").write(tmp_path / "own")
    files = https(tmp_path, "")["http"]
    own = {key: str(tmp_path / "own" / Path(path).name) for key, path in files.items()}
    raw: dict[str, Any] = {
        "account": [{"sid": DEMO_ACCOUNT}],
        "sip": {"listen": ["tls:127.0.0.1:5061"], "domain": "pbx.example", **files},
        "domain": [
            {"name": "own.example", "account": DEMO_ACCOUNT, **own},
            {"name": "other.example", "account": DEMO_ACCOUNT},
            {"name": "wrong.example", "account": DEMO_ACCOUNT, **own},
        ],
    }
    told = [line.split(" -> ")[0] for line in lines(raw)]
    assert [line.split(": ")[0] for line in told if "is not for" in line] == [
        "warn sip.certificate",
        "warn domain.2.certificate",
    ]
    assert "is not for other.example" in " ".join(told) and "is not for wrong.example" in " ".join(told)
    (tmp_path / "own" / "key.pem").write_text(AUTHORITY.issue("x").private_key)
    assert [line.split(": ")[0] for line in lines(raw) if line.startswith("FAIL")] == [
        "FAIL domain.0.private_key",
        "FAIL domain.2.private_key",
    ]


def test_of_who_vouches_for_callers(tmp_path: Path) -> None:
    root = voucher("root", authority=True)
    certificate, key = voucher("carrier", root).write(tmp_path, "leaf")
    roots, other = root.write(tmp_path, "root")
    trunk = {"name": "a", "account": DEMO_ACCOUNT, "stir_sign": "A", "stir_x5u": "https://a.example/c.pem"}
    raw: dict[str, Any] = {
        "account": [{"sid": DEMO_ACCOUNT}],
        "sip": {"stir_roots": roots},
        "trunk": [{**trunk, "stir_certificate": certificate, "stir_private_key": key}],
    }
    found = list(certificates(validate(raw), NOW))
    assert [one.level for one in found] == [Level.OK, Level.WARN, Level.OK]
    assert "1 of 1 authorities are valid" in found[-1].why
    raw["trunk"][0]["stir_private_key"] = other
    assert lines(raw)[0].startswith("FAIL trunk.0.stir_private_key: ")
    assert lines(raw, days=5)[-1].startswith("FAIL sip.stir_roots: none of the 1 certificates is valid now")
