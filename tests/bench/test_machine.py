"""What is read of processes."""

import os
import resource
import subprocess
import sys
import time

import pytest

from bench.machine import Window, cpu, family, resident, take_descriptors


def burn(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_cpu_time_is_exact() -> None:
    before, own = cpu([os.getpid()]), time.process_time()
    burn(0.05)
    assert cpu([os.getpid()]) - before == pytest.approx(time.process_time() - own, abs=0.005)


def test_cpu_time_of_another_process() -> None:
    child = subprocess.Popen([sys.executable, "-c", "sum(range(10**6)); print(); input()"], stdin=-1, stdout=-1)
    assert child.stdin and child.stdout
    child.stdout.readline()
    assert cpu([child.pid]) > 0
    assert child.pid in family([os.getpid()])
    child.communicate(b"\n")
    assert cpu([child.pid]) == 0


def test_a_window_tells_the_server_from_the_load() -> None:
    window = Window([os.getpid()], [])
    burn(0.05)
    usage = window.end()
    assert usage.cpu_pct > 0
    assert usage.load_cpu_pct == 0
    assert usage.other_cpu_pct >= 0


def test_memory() -> None:
    assert resident([os.getpid()]) > 10
    assert resident([2**22 + 1]) == 0


def test_descriptors_are_lifted() -> None:
    was = resource.getrlimit(resource.RLIMIT_NOFILE)
    take_descriptors()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (was[1], was[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, was)
