"""Certificates of the listeners: which files, what is wrong with them, and when they are read again."""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from callwright.config import DEMO_ACCOUNT, Config, SipSection, validate
from callwright.engine import Engine
from callwright.errors import StartError
from callwright.sip import certificates
from callwright.sip.certificates import Identity, Shown, all_of, files_of, read, watch
from tests.calls.jumping import turns
from tests.harness.certificates import Authority
from tests.harness.waiting import within

AUTHORITY = Authority()


def section(directory: Path, **more: Any) -> SipSection:
    """[sip] with a TLS listener whose files are good."""
    AUTHORITY.issue("sip.test").write(directory)
    (directory / "ca.pem").write_text(AUTHORITY.certificate)
    paths = {
        "certificate": str(directory / "certificate.pem"),
        "private_key": str(directory / "key.pem"),
        "ca": str(directory / "ca.pem"),
    }
    return SipSection.model_validate({"listen": ["tls:127.0.0.1:5061"], **paths, **more})


def test_each_listener_has_its_own_or_the_common_ones(tmp_path: Path) -> None:
    own = {"address": "tls:127.0.0.1:5062", "certificate": "c", "private_key": "k", "verify_client": True}
    common, special = files_of(section(tmp_path, listen=["udp:127.0.0.1:5060", "tls:127.0.0.1:5061", own]))
    assert (common.certificate[0], common.ca[0], common.verify_client) == ("sip.certificate", "sip.ca", False)
    assert special.certificate == ("sip.listen.2.certificate", "c")
    assert special.private_key == ("sip.listen.2.private_key", "k")
    assert (special.ca[0], special.verify_client) == ("sip.ca", True)


def test_good_ones(tmp_path: Path) -> None:
    identity = read(files_of(section(tmp_path))[0])
    assert identity.certificate.startswith("-----BEGIN CERTIFICATE")
    assert identity.ca == AUTHORITY.certificate
    assert "PRIVATE" not in repr(identity)


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("certificate.pem", None, r"sip\.certificate: .*certificate\.pem: No such file"),
        ("certificate.pem", "nonsense", r"sip\.certificate: .*certificate\.pem: no PEM certificate"),
        ("key.pem", None, r"sip\.private_key: .*key\.pem: No such file"),
        ("key.pem", "nonsense", r"sip\.private_key: .*key\.pem: "),
        ("key.pem", AUTHORITY.issue("other.test").private_key, r"sip\.private_key: .*key\.pem: .*mismatch"),
        ("ca.pem", "nonsense", r"sip\.ca: .*ca\.pem: no PEM certificate"),
    ],
)
def test_a_fault_names_its_key(tmp_path: Path, file: str, text: str | None, fault: str) -> None:
    files = files_of(section(tmp_path))[0]
    path = tmp_path / file
    path.write_text(text) if text else path.unlink()
    with pytest.raises(StartError, match=f"^{fault}") as caught:
        read(files)
    assert "\n" not in caught.value.message


class Showing:
    """Takes certificates as an engine does."""

    def __init__(self) -> None:
        self.certified: list[tuple[int, str]] = []
        self.named: list[list[tuple[str, str, str]]] = []
        self.changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def certify(self, transport: int, *, certificate: str, private_key: str, ca: str) -> None:
        self.certified.append((transport, certificate))
        self._loop.call_soon_threadsafe(self.changed.set)

    def certify_names(self, names: list[tuple[str, str, str]]) -> None:
        self.named.append(names)
        self._loop.call_soon_threadsafe(self.changed.set)

    async def change(self) -> None:
        """Waits for the next one."""
        await within(self.changed.wait(), 5, "a new certificate")
        self.changed.clear()


def domains(directory: Path, *names: str) -> Config:
    """A file with a TLS listener and a certificate for each of these domains."""
    tables = []
    for name in names:
        (directory / name).mkdir()
        AUTHORITY.issue(name).write(directory / name)
        files = {
            "certificate": str(directory / name / "certificate.pem"),
            "private_key": str(directory / name / "key.pem"),
        }
        tables.append({"name": name.title(), "account": DEMO_ACCOUNT, **files})
    sip = section(directory).model_dump(include={"certificate", "private_key", "ca"})
    listen = {"listen": ["udp:127.0.0.1:5060", "tls:127.0.0.1:5061"]}
    return validate({"account": [{"sid": DEMO_ACCOUNT}], "sip": sip | listen, "domain": tables})


async def test_names_have_their_own(tmp_path: Path) -> None:
    config = domains(tmp_path, "one.example", "two.example")
    assert [files.certificate[0] for files in all_of(config)] == [
        "sip.certificate",
        "domain.0.certificate",
        "domain.1.certificate",
    ]
    shown, engine = Shown(config), Showing()
    assert shown and len(shown.listeners()) == 1
    shown.name(cast(Engine, engine))
    (names,) = engine.named
    assert [name for name, _, _ in names] == ["one.example", "two.example"]
    assert names[1][1] == (tmp_path / "two.example/certificate.pem").read_text()
    (tmp_path / "two.example/key.pem").unlink()
    with pytest.raises(StartError, match=r"^domain\.1\.private_key: .*No such file"):
        Shown(config)


async def test_a_name_that_has_none_asks_nothing_of_the_engine(tmp_path: Path) -> None:
    shown, engine = Shown(domains(tmp_path)), Showing()
    shown.name(cast(Engine, engine))
    assert engine.named == []


async def test_a_names_change_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And those of the others stay."""
    monkeypatch.setattr(certificates.watch, "__defaults__", (0.01,))
    shown, engine = Shown(domains(tmp_path, "one.example", "two.example")), Showing()
    shown.name(cast(Engine, engine))
    await engine.change()
    first = engine.named[0]
    task = asyncio.create_task(shown.watch(cast(Engine, engine)))
    await turns()  # it has looked
    second = AUTHORITY.issue("two.example")
    # both at once, as far as the one who looks can see
    for name, text in (("key.pem", second.private_key), ("certificate.pem", second.certificate)):
        (tmp_path / "two.example" / f".{name}").write_text(text)
    for name in ("key.pem", "certificate.pem"):
        (tmp_path / "two.example" / f".{name}").rename(tmp_path / "two.example" / name)
    await engine.change()
    assert engine.named[-1] == [first[0], ("two.example", second.certificate, second.private_key)]
    assert engine.certified == []
    AUTHORITY.issue("sip.test").write(tmp_path)
    await engine.change()
    assert engine.certified[0][0] == 0
    task.cancel()
    await asyncio.wait({task})


async def test_a_change_is_taken_and_a_bad_one_is_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = files_of(section(tmp_path))
    taken: asyncio.Queue[tuple[int, Identity]] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def take(number: int, identity: Identity) -> None:
        loop.call_soon_threadsafe(taken.put_nowait, (number, identity))

    task = asyncio.create_task(watch(files, take, every=0.01))
    await turns()  # it has looked
    (tmp_path / "certificate.pem").write_text("nonsense")
    async with asyncio.timeout(5):
        while "the old one stays: sip.certificate" not in caplog.text:
            await asyncio.wait({task}, timeout=0.01)
    second = AUTHORITY.issue("sip.test")
    second.write(tmp_path)
    number, identity = await within(taken.get(), 5, "the new certificate")
    while identity.private_key != second.private_key:  # the two files are written one after the other
        number, identity = await within(taken.get(), 5, "the new certificate")
    assert (number, identity.certificate) == (0, second.certificate)
    task.cancel()
    await asyncio.wait({task})
