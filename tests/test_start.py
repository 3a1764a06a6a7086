"""What the daemon takes before it starts: its directory, its tokens, its HTTP socket."""

import os
import socket
import stat
from pathlib import Path

import pytest

from callwright.config import Config, validate
from callwright.errors import StartError
from callwright.start import (
    accounts,
    auth_token,
    check_certificate,
    check_media_address,
    check_media_addresses,
    claim,
    listener,
)

SID, OTHER = "AC" + "1" * 32, "AC" + "2" * 32


def config(**sections: object) -> Config:
    return validate({"account": [{"sid": SID}, {"sid": OTHER, "auth_token": "configured"}]} | sections)


class TestClaim:
    def test_one_daemon_a_directory(self, tmp_path: Path) -> None:
        directory = tmp_path / "new" / "var"
        held = claim(directory)
        before = len(os.listdir("/proc/self/fd"))
        with pytest.raises(StartError, match="another callwright runs on it"):
            claim(directory)
        assert len(os.listdir("/proc/self/fd")) == before
        os.close(held)
        os.close(claim(directory))

    def test_directory_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(StartError, match=r"server\.data_dir: .*file"):
            claim(tmp_path / "file" / "var")


class TestToken:
    def test_configured(self, tmp_path: Path) -> None:
        assert auth_token(config().account[1], tmp_path) == "configured"
        assert not list(tmp_path.iterdir())

    def test_made_once_and_kept_from_others(self, tmp_path: Path) -> None:
        token = auth_token(config().account[0], tmp_path)
        assert len(token) == 32 and auth_token(config().account[0], tmp_path) == token
        file = tmp_path / "tokens" / SID
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert [one.name for one in file.parent.iterdir()] == [SID]

    def test_empty_file_opens_nothing(self, tmp_path: Path) -> None:
        """A crash while it was written; an empty token would open the API to everybody."""
        (tmp_path / "tokens").mkdir()
        for name in (SID, f"{SID}.new"):
            (tmp_path / "tokens" / name).write_text("\n")
        assert len(auth_token(config().account[0], tmp_path)) == 32

    @pytest.mark.parametrize("kind", ["directory", "binary"])
    def test_that_cannot_be_read(self, tmp_path: Path, kind: str) -> None:
        file = tmp_path / "tokens" / SID
        file.parent.mkdir()
        if kind == "directory":
            file.mkdir()
        else:
            file.write_bytes(b"\xff\xfe")
        with pytest.raises(StartError, match=f"the token of account {SID}"):
            auth_token(config().account[0], tmp_path)


def test_accounts_take_the_limits_that_they_do_not_set(tmp_path: Path) -> None:
    table = [{"sid": SID, "auth_token": "a", "calls_per_second": 2}, {"sid": OTHER, "auth_token": "b"}]
    made = accounts(config(account=table, limits={"calls_per_second": 5, "concurrent_calls": 9}), tmp_path)
    assert (made[SID].calls_per_second, made[OTHER].calls_per_second) == (2, 5)
    assert (made[SID].concurrent_calls, made[SID].friendly_name) == (9, SID)
    assert "auth_token" not in repr(made[SID])


class TestCertificate:
    def test_none(self) -> None:
        check_certificate(config().http)

    @pytest.mark.parametrize("text", [None, "-----BEGIN NONSENSE-----\n"])
    def test_that_cannot_be_used(self, tmp_path: Path, text: str | None) -> None:
        files = {"certificate": str(tmp_path / "cert.pem"), "private_key": str(tmp_path / "key.pem")}
        for file in files.values():
            if text is not None:
                Path(file).write_text(text)
        with pytest.raises(StartError, match=rf"http\.certificate: {tmp_path}/cert\.pem, "):
            check_certificate(config(http=files).http)


class TestMediaAddress:
    def test_own(self) -> None:
        check_media_address("127.0.0.1")
        check_media_address("::1", "media.address6")

    def test_of_another_machine(self) -> None:
        """As behind a router whose address callers see: each call would be answered with 500."""
        with pytest.raises(StartError, match=r"media\.address: 203\.0\.113\.9 is not an address of this machine"):
            check_media_address("203.0.113.9")
        with pytest.raises(StartError, match=r"media\.address6: 2001:db8::9 is not an address of this machine"):
            check_media_address("2001:db8::9", "media.address6")

    def test_of_each_interface(self) -> None:
        check_media_addresses(config(media={"address": "0.0.0.0", "address6": "::"}))
        listen = ["udp:127.0.0.1:5060", {"address": "udp:127.0.0.1:5070", "media": "203.0.113.9"}]
        with pytest.raises(
            StartError, match=r"sip\.listen\.1\.media: 203\.0\.113\.9 is not an address of this machine"
        ):
            check_media_addresses(config(sip={"listen": listen}))


class TestListener:
    @pytest.mark.parametrize(("address", "family"), [("127.0.0.1:0", "AF_INET"), ("[::1]:0", "AF_INET6")])
    def test_bound(self, address: str, family: str) -> None:
        with listener(address) as bound:
            assert bound.family.name == family and bound.getsockname()[1] > 0

    def test_port_in_use(self) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            with pytest.raises(StartError, match=rf"http\.listen: cannot bind 127\.0\.0\.1:{port}: "):
                listener(f"127.0.0.1:{port}")

    def test_address_of_another_machine(self) -> None:
        with pytest.raises(StartError, match=r"http\.listen: cannot bind 192\.0\.2\.1:0"):
            listener("192.0.2.1:0")
