"""Sounds in memory: kept up to a bound, shared beyond it."""

import gc
import threading

from callwright.media.memory import Memory


class Thing:
    """A sound's stand-in that can be referred to weakly."""


def test_what_is_used_most_recently_is_kept() -> None:
    memory: Memory[Thing] = Memory(300)
    for name in "abc":
        memory.add(name, Thing(), 100)
    assert memory.get("a") is not None
    memory.add("d", Thing(), 100)
    gc.collect()
    assert memory.bytes == 300
    assert [memory.get(name) is not None for name in "abcd"] == [True, False, True, True]
    assert len(memory) == 3


def test_what_is_in_use_is_found_and_kept_again() -> None:
    memory: Memory[Thing] = Memory(100)
    used = memory.add("a", Thing(), 100)
    memory.add("b", Thing(), 100)
    assert memory.get("a") is used
    gc.collect()
    assert memory.get("b") is None
    assert memory.bytes == 100


def test_the_first_of_two_equal_ones_stays() -> None:
    memory: Memory[Thing] = Memory(100)
    first = memory.add("a", Thing(), 60)
    assert memory.add("a", Thing(), 60) is first
    assert memory.bytes == 60


def test_what_is_too_large_or_not_to_be_kept_lives_as_long_as_its_users() -> None:
    memory: Memory[Thing] = Memory(100)
    large, passing = memory.add("large", Thing(), 101), memory.add("passing", Thing(), 10, keep=False)
    assert memory.bytes == 0
    assert memory.get("large") is large and memory.get("passing") is passing
    assert memory.bytes == 0
    del large, passing
    gc.collect()
    assert memory.get("large") is None and memory.get("passing") is None
    assert len(memory) == 0


def test_a_sound_may_die_in_another_thread() -> None:
    memory: Memory[Thing] = Memory(0)
    held = [memory.add(str(number), Thing(), 1) for number in range(1000)]
    thread = threading.Thread(target=held.clear)
    thread.start()
    thread.join()
    gc.collect()
    assert len(memory) == 0
    fresh = memory.add("1", Thing(), 1)
    assert memory.get("1") is fresh
