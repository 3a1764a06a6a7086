"""What counts among the reports of the sanitizers, and what does not."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.sanitized_interpreter import make
from tests.engine.sanitizer_reports import Report, faults, main, reports
from tests.engine.test_native import COMMON, SANITIZERS, compiler

ENGINE_FRAME = "(/cache/package/callwright/engine/_engine.cpython-311-x86_64-linux-gnu.so)"
PYTHON_FRAME = "    #1 in _PyObject_New Objects/object.c:176 (/usr/bin/python3.11)"
MALLOC_FRAME = "    #0 in malloc asan_malloc_linux.cpp:69 (/usr/lib/libasan.so)"

LEAKS = f"""
=================================================================
==12==ERROR: LeakSanitizer: detected memory leaks

Direct leak of 952 byte(s) in 17 object(s) allocated from:
{MALLOC_FRAME}
{PYTHON_FRAME}

Indirect leak of 24 byte(s) in 1 object(s) allocated from:
{MALLOC_FRAME}
    #1 in callwright::EventQueue::drain(unsigned long) /src/event.cpp:41 {ENGINE_FRAME}
    #2 in method_vectorcall Objects/descrobject.c:1 (/usr/bin/python3.11)

SUMMARY: AddressSanitizer: 976 byte(s) leaked in 18 allocation(s).
"""
FREED = f"""
==13==ERROR: AddressSanitizer: heap-use-after-free on address 0x60b at pc 0x7f
READ of size 8 at 0x60b thread T4
    #0 in callwright::Leg::close() /src/leg.cpp:7 {ENGINE_FRAME}

SUMMARY: AddressSanitizer: heap-use-after-free /src/leg.cpp:7 in callwright::Leg::close()
"""
UNDEFINED = f"""/src/leg.cpp:9:3: runtime error: signed integer overflow: 1 + 2 cannot be represented in type 'int'
    #0 in callwright::Leg::open() /src/leg.cpp:9 {ENGINE_FRAME}

"""
RACES = f"""==================
WARNING: ThreadSanitizer: data race (pid=14)
  Write of size 4 at 0x7b by thread T1:
    #0 in callwright::Gate::admit() /src/gate.cpp:3 {ENGINE_FRAME}

  Previous read of size 4 at 0x7b by main thread:
    #0 in callwright::Gate::judge() /src/gate.cpp:5 {ENGINE_FRAME}

SUMMARY: ThreadSanitizer: data race /src/gate.cpp:3 in callwright::Gate::admit()
==================
"""


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        (LEAKS, ["leak", "leak"]),
        (FREED, ["AddressSanitizer: heap-use-after-free"]),
        (RACES * 2, ["ThreadSanitizer: data race"] * 2),
        ("no report\n", []),
    ],
    ids=["leaks", "freed", "races", "nothing"],
)
def test_reports_are_told_apart(text: str, titles: list[str]) -> None:
    assert [report.title for report in reports(text)] == titles


def test_undefined_behaviour_needs_no_summary() -> None:
    found = list(reports(UNDEFINED * 2))
    assert len(found) == 2
    assert found[0].title.startswith("/src/leg.cpp:9:3: runtime error: signed integer overflow")


def test_only_the_engine_s_leaks_count() -> None:
    of_python, of_engine = reports(LEAKS)
    assert not of_python.counts
    assert of_engine.counts
    assert of_engine.place.startswith("callwright::EventQueue::drain(unsigned long) /src/event.cpp:41")


def test_whatever_is_no_leak_counts() -> None:
    assert Report("AddressSanitizer: heap-buffer-overflow", "    #0 in decode (/usr/lib/libav.so)").counts


def test_the_same_fault_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        (tmp_path / f"thread.{number}").write_text(RACES)
    (tmp_path / "address.1").write_text(LEAKS)
    assert sorted(len(same) for same in faults(tmp_path).values()) == [1, 3]
    assert main(tmp_path) == 1
    printed = capsys.readouterr().out
    assert printed.count("WARNING: ThreadSanitizer") == 1
    assert "2 different reports of the sanitizer, 4 in all" in printed


def test_nothing_that_counts(tmp_path: Path) -> None:
    (tmp_path / "address.1").write_text(LEAKS.replace("_engine", "_other"))
    assert main(tmp_path) == 0


LOST = 'extern "C" void fault() { int* volatile lost = new int(1); lost = nullptr; }'
FAULTS = {
    "leak": ("address", LOST),
    "freed": ("address", 'extern "C" int fault() { int* one = new int(1); delete one; return *one; }'),
    "undefined": ("address", 'extern "C" int fault() { volatile int big = 2147483647; big = big + 1; return big; }'),
    "race": (
        "thread",
        '#include <thread>\nextern "C" int fault() '
        "{ int n = 0; std::thread other([&n] { ++n; }); ++n; other.join(); return n; }",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_the_engine_s_module_counts(name: str, tmp_path: Path) -> None:
    """A module of that name, loaded as scripts/check loads the engine."""
    kind, code = FAULTS[name]
    source, module = tmp_path / "fault.cpp", tmp_path / "_engine.so"
    source.write_text(code)
    flags = [flag for flag in SANITIZERS[kind] if "recover" not in flag]
    subprocess.run([compiler(), *COMMON, *flags, "-shared", "-fPIC", str(source), "-o", str(module)], check=True)
    make(kind, tmp_path)
    call = f"import ctypes; ctypes.CDLL({str(module)!r}).fault()"
    subprocess.run([str(tmp_path / "bin/python"), "-c", call], capture_output=True)
    found = faults(tmp_path / "reports")
    assert len(found) == 1, [path.read_text() for path in (tmp_path / "reports").iterdir()]


def test_the_interpreter_is_this_one_with_other_packages(tmp_path: Path) -> None:
    make("address", tmp_path)
    (tmp_path / "package").mkdir()
    (tmp_path / "package/pytest.py").write_text("found = True")
    told = "import os, pytest, sys; print(sys.executable, sys.version, pytest.found, os.environ.get('LD_PRELOAD'))"
    python = str(tmp_path / "bin/python")
    done = subprocess.run([python, "-c", told], capture_output=True, text=True)
    assert done.stdout == f"{python} {sys.version} True None\n", done.stderr
