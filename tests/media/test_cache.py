"""The disk cache: what is kept, what goes first, and what damage does."""

import hashlib
import os
import threading
from pathlib import Path

import pytest

from callwright.media.cache import MEMORY, DiskCache
from tests.media.conftest import Clock

HEADER = 56


def key_of(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def opened(folder: Path, now: Clock, *, max_bytes: int = 1 << 30, days: float = 30) -> DiskCache:
    cache = DiskCache(folder, max_bytes=max_bytes, max_seconds=days * 86400, now=now)
    cache.open()
    return cache


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_sounds_and_responses_come_back(tmp_path: Path, now: Clock) -> None:
    cache = opened(tmp_path / "a" / "cache", now)
    cache.save_sound(key_of("a"), b"samples!", 16000)
    cache.save_response(key_of("r"), {"content": "x", "n": 1})
    for again in (cache, opened(tmp_path / "a" / "cache", now)):
        assert again.has_sound(key_of("a"))
        assert again.load_sound(key_of("a"), 16000) == b"samples!"
        assert again.load_response(key_of("r")) == {"content": "x", "n": 1}
        assert again.load_sound(key_of("b"), 16000) is None
        assert again.load_response(key_of("b")) is None
        assert again.size == sum(path.stat().st_size for path in files(tmp_path))
    cache.remove_response(key_of("r"))
    cache.remove_response(key_of("r"))
    assert cache.load_response(key_of("r")) is None
    assert cache.size == HEADER + 8


def test_a_second_write_replaces_the_first(tmp_path: Path, now: Clock) -> None:
    cache = opened(tmp_path, now)
    cache.save_sound(key_of("a"), b"one", 8000)
    cache.save_sound(key_of("a"), b"longer", 8000)
    assert cache.load_sound(key_of("a"), 8000) == b"longer"
    assert cache.size == HEADER + 6
    assert len(files(tmp_path)) == 1


def test_the_least_recently_used_go_first(tmp_path: Path, now: Clock) -> None:
    cache = opened(tmp_path, now, max_bytes=10 * (HEADER + 100))
    for number in range(10):
        cache.save_sound(key_of(str(number)), bytes(100), 8000)
        now.at += 1
    assert cache.load_sound(key_of("0"), 8000) is not None
    now.at += 1
    cache.save_sound(key_of("10"), bytes(100), 8000)
    there = {number for number in range(11) if cache.has_sound(key_of(str(number)))}
    assert there == {0, 3, 4, 5, 6, 7, 8, 9, 10}
    assert cache.evicted == 2
    assert cache.size == sum(path.stat().st_size for path in files(tmp_path)) == 9 * (HEADER + 100)


def test_use_counts_across_a_restart(tmp_path: Path, now: Clock) -> None:
    cache = opened(tmp_path, now)
    for name in "abc":
        cache.save_sound(key_of(name), bytes(100), 8000)
        now.at += 1
    now.at += 3600
    cache.load_sound(key_of("a"), 8000)
    again = opened(tmp_path, now, max_bytes=2 * (HEADER + 100) + 50)
    assert [again.has_sound(key_of(name)) for name in "abc"] == [True, False, True]


def test_what_nobody_used_for_long_goes(tmp_path: Path, now: Clock) -> None:
    cache = opened(tmp_path, now, days=2)
    cache.save_sound(key_of("a"), b"a", 8000)
    cache.save_sound(key_of("b"), b"b", 8000)
    now.at += 86400
    assert cache.load_sound(key_of("b"), 8000) == b"b"
    now.at += 86401
    cache.save_sound(key_of("c"), b"c", 8000)
    assert [cache.has_sound(key_of(name)) for name in "abc"] == [False, True, True]
    now.at += 3 * 86400
    again = opened(tmp_path, now, days=2)
    assert again.size == 0
    assert files(tmp_path) == []


def test_unfinished_files_are_removed_at_the_start(tmp_path: Path, now: Clock) -> None:
    cache = opened(tmp_path, now)
    cache.partial().write_bytes(b"half")
    opened(tmp_path, now)
    assert files(tmp_path) == []


@pytest.mark.parametrize("rate", [8000, 48000])
def test_a_sound_of_another_rate_is_none(tmp_path: Path, now: Clock, rate: int) -> None:
    cache = opened(tmp_path, now)
    cache.save_sound(key_of("a"), b"samples!", 16000)
    assert cache.load_sound(key_of("a"), rate) is None


def test_every_flipped_byte_is_noticed(tmp_path: Path, now: Clock) -> None:
    cache = opened(tmp_path, now)
    noticed = 0
    for place in range(HEADER + 8):
        if 16 > place >= 12:
            continue  # reserved
        cache.save_sound(key_of("a"), b"samples!", 16000)
        [path] = files(tmp_path)
        body = bytearray(path.read_bytes())
        body[place] ^= 0x10
        path.write_bytes(body)
        assert cache.load_sound(key_of("a"), 16000) is None, place
        assert not cache.has_sound(key_of("a"))
        noticed += 1
    assert cache.damaged == noticed
    assert files(tmp_path) == []


@pytest.mark.parametrize("body", [b"", b"\n", b"x" * 64 + b"\n{}", b"{}"])
def test_a_damaged_response_is_none(tmp_path: Path, now: Clock, body: bytes) -> None:
    cache = opened(tmp_path, now)
    cache.save_response(key_of("r"), {"a": 1})
    files(tmp_path)[0].write_bytes(body)
    assert cache.load_response(key_of("r")) is None
    assert cache.damaged == 1


def test_a_file_that_vanished_is_none(tmp_path: Path, now: Clock, caplog: pytest.LogCaptureFixture) -> None:
    cache = opened(tmp_path, now)
    cache.save_sound(key_of("a"), b"samples!", 16000)
    files(tmp_path)[0].unlink()
    assert cache.load_sound(key_of("a"), 16000) is None
    assert cache.size == 0
    assert "cannot read" in caplog.text


def test_only_its_owner_may_read_it(tmp_path: Path, now: Clock) -> None:
    opened(tmp_path / "cache", now)
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0


def test_many_threads_at_once_keep_the_books(tmp_path: Path, now: Clock) -> None:
    cache = opened(tmp_path, now, max_bytes=20 * (HEADER + 1000))
    wrong: list[int] = []

    def work(seed: int) -> None:
        for step in range(60):
            number = (seed * 7 + step * 13) % 40
            body = bytes([number]) * 1000
            cache.save_sound(key_of(str(number)), body, 8000)
            if cache.load_sound(key_of(str(number)), 8000) not in (body, None):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert cache.damaged == 0
    assert cache.size <= 20 * (HEADER + 1000)
    assert os.listdir(tmp_path / "partial") == []


def test_a_body_lies_in_memory_when_the_disk_has_no_room(tmp_path: Path) -> None:
    cache = opened(tmp_path, Clock())
    assert cache.body(1).parent == tmp_path / "partial"
    assert cache.body(1 << 62).parent == MEMORY
    assert cache.body(1 << 62) != cache.body(1 << 62)
