"""What the machine lacks, and that it is said."""

import ctypes
import errno
import resource
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from callwright.cli.checks import machine
from callwright.config import Config, validate


def lines(directory: Path, **sections: Any) -> dict[str, str]:
    config: Config = validate(sections)
    return {one.what.partition(" ")[0]: one.line() for one in machine.machine(config, directory)}


def test_this_one(tmp_path: Path) -> None:
    found = lines(tmp_path / "not" / "yet")
    expected = {"server.data_dir", "clock", "descriptors", "io_uring", "net.core.rmem_max", "net.core.wmem_max"}
    assert set(found) == expected | {"speech.command"}
    assert found["speech.command"].startswith("ok   speech.command espeak-ng: eSpeak NG")


@pytest.mark.parametrize(("free", "level"), [(100 * 1024**2, "FAIL"), (1024**3, "warn"), (10 * 1024**3, "ok  ")])
def test_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, level: str) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    assert lines(tmp_path)["server.data_dir"].startswith(level)


def test_descriptors(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (600, hard))
    try:
        few, enough = lines(tmp_path)["descriptors"], lines(tmp_path, limits={"legs": 50})["descriptors"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert few.startswith("warn descriptors: 600 for this user, limits.legs = 2000 needs 4500. LimitNOFILE=4500")
    assert enough == "ok   descriptors: 600, 600 are needed"


@pytest.mark.parametrize(("io", "level"), [("io_uring", "FAIL"), ("auto", "ok  "), ("epoll", "ok  ")])
def test_a_kernel_without_io_uring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, io: str, level: str) -> None:
    monkeypatch.setattr(ctypes, "get_errno", lambda: errno.EPERM)
    assert lines(tmp_path, media={"io": io})["io_uring"].startswith(f"{level} io_uring: Operation not permitted")


def test_speech_that_does_not_run(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho no voices >&2\nexit 3\n")
    broken.chmod(0o755)
    found = lines(tmp_path, speech={"command": str(broken)})["speech.command"]
    assert found.startswith("FAIL") and "ends with 3: no voices" in found
    assert "is not there. apt-get install" in lines(tmp_path, speech={"command": "no-such-program"})["speech.command"]
