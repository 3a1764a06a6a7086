"""Runs every program of native/ under the sanitizers: address and undefined behaviour; with threads also races."""

import os
import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.engine.program import SANITIZER_OPTIONS, CompilationFailed, Program, Toolchain, pjproject

PROGRAMS = sorted((Path(__file__).parent / "native").glob("*.cpp"))
COMMON = ("-g", "-O1", "-fno-omit-frame-pointer")
SANITIZERS = {
    "address": ("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
    "thread": ("-fsanitize=thread",),
}
RUN_S = 240


def cases() -> list[tuple[Path, str]]:
    """Every program with every sanitizer that it is for."""
    return [(path, kind) for path in PROGRAMS for kind in SANITIZERS if kind != "thread" or Program.read(path).threaded]


@cache
def launcher(kind: str, directory: Path) -> tuple[str, ...] | None:
    """What a program with this sanitizer is started by, () for nothing; None: the compiler does not have it.

    A ThreadSanitizer that is older than the kernel's address randomisation runs only without it.
    """
    probe, executable = directory / f"{kind}.cpp", directory / kind
    probe.write_text("int main() {}\n")
    command = [compiler(), *SANITIZERS[kind], str(probe), "-o", str(executable)]
    if subprocess.run(command, capture_output=True).returncode != 0:
        return None
    for prefix in ((), ("setarch", platform.machine(), "-R")):
        if subprocess.run([*prefix, str(executable)], capture_output=True).returncode == 0:
            return prefix
    return None


def compiler() -> str:
    """The C++ compiler."""
    return os.environ.get("CXX", "c++")


def run(source: Path, kind: str, directory: Path, store: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Compiles a program and runs it; without the sanitizer where the compiler has none."""
    prefix = launcher(kind, directory)
    flags = COMMON if prefix is None else (*COMMON, *SANITIZERS[kind])
    executable = Toolchain(compiler(), flags, pjproject(), store).build(Program.read(source))
    return subprocess.run(
        [*(prefix or ()), str(executable)],
        env=os.environ | SANITIZER_OPTIONS,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_S,
    )


@pytest.fixture(scope="session")
def probes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it is tried what the compiler has."""
    return tmp_path_factory.mktemp("probes")


@pytest.mark.timeout(900)  # the whole engine is compiled with a sanitizer, once
@pytest.mark.parametrize(("source", "kind"), cases(), ids=[f"{path.stem}-{kind}" for path, kind in cases()])
def test_program(source: Path, kind: str, probes: Path) -> None:
    done = run(source, kind, probes)
    assert done.returncode == 0, done.stdout


FAULTS = {
    "a check": ("address", "CHECK(1 + 1 == 3);", "not so: 1 + 1 == 3"),
    "memory": ("address", "int* one = new int(1); delete one; return *one;", "heap-use-after-free"),
    "a leak": ("address", "int* volatile lost = new int(1); lost = nullptr; return lost != nullptr;", "LeakSanitizer"),
    "overflow": ("address", "volatile int big = 2147483647; big = big + 1;", "signed integer overflow"),
    "a race": ("thread", "int n = 0; std::thread other([&n] { ++n; }); ++n; other.join();", "data race"),
}


@pytest.mark.parametrize(("kind", "body", "said"), FAULTS.values(), ids=FAULTS)
def test_a_fault_fails(kind: str, body: str, said: str, probes: Path, tmp_path: Path) -> None:
    """What the sanitizers are there for is told, so that a clean run means something."""
    assert launcher(kind, probes) is not None, f"{compiler()} has no {kind} sanitizer"
    shutil.copy(PROGRAMS[0].parent / "check.hpp", tmp_path)
    source = tmp_path / "fault.cpp"
    source.write_text(f'// sources:\n#include <thread>\n#include "check.hpp"\nint main() {{ {body} }}\n')
    done = run(source, kind, probes, tmp_path)
    assert done.returncode != 0
    assert said in done.stdout


def test_the_compiler_is_strict(tmp_path: Path) -> None:
    source = tmp_path / "careless.cpp"
    source.write_text("// sources:\nint main() { int unused; }\n")
    with pytest.raises(CompilationFailed, match="unused"):
        Toolchain(compiler(), COMMON, pjproject(), tmp_path).build(Program.read(source))


def test_the_first_line_is_needed(tmp_path: Path) -> None:
    source = tmp_path / "bare.cpp"
    source.write_text("int main() {}\n")
    with pytest.raises(ValueError, match="sources"):
        Program.read(source)


def test_nothing_is_compiled_twice(tmp_path: Path) -> None:
    store = tmp_path / "store"
    source = tmp_path / "plain.cpp"
    source.write_text("// sources: event.cpp\nint main() {}\n")
    chain = Toolchain(compiler(), COMMON, pjproject(), store)
    first = chain.build(Program.read(source))
    made = {path: path.stat().st_ino for path in store.iterdir()}
    assert len(made) == 3, "two objects and the program"
    assert chain.build(Program.read(source)) == first
    assert {path: path.stat().st_ino for path in store.iterdir()} == made
    source.write_text("// sources: event.cpp\nint main() { return 0; }\n")
    assert chain.build(Program.read(source)) != first
    assert len(list(store.iterdir())) == 5, "one object and the program anew"
