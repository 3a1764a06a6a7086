"""The fuzz targets on the inputs that are kept, without a fuzzer: what was found once is never found again."""

import os
from pathlib import Path

import pytest

from tests.engine.fuzzing import CORPUS, TARGETS, Outcome, fuzz, main, targets, tell
from tests.engine.program import Program, Toolchain, pjproject
from tests.engine.test_native import COMMON, SANITIZERS, compiler

REPLAY = TARGETS / "replay/main.cpp"
NAMES = [program.name for program in targets()]


def replayed(program: Program, grown: Path, store: Path | None = None) -> Outcome:
    """A target with a driver in the fuzzer's place, run as the fuzzer is."""
    chain = Toolchain(compiler(), (*COMMON, *SANITIZERS["address"]), pjproject(), store)
    return fuzz(chain.build(program.with_source(REPLAY)), program.name, 1, grown)


def test_every_target_has_inputs() -> None:
    assert sorted(path.name for path in CORPUS.iterdir()) == NAMES
    assert all(any((CORPUS / name).iterdir()) for name in NAMES)


@pytest.mark.parametrize("program", targets(), ids=NAMES)
def test_kept_inputs(program: Program, tmp_path: Path) -> None:
    outcome = replayed(program, tmp_path / program.name)
    assert outcome.clean, outcome.output
    assert outcome.summary.startswith(f"{len(list((CORPUS / program.name).iterdir()))} inputs")


FAULTS = {
    "memory": ("REQUIRE(data[size] < 255); return 0;", "heap-buffer-overflow"),
    "a property": ("REQUIRE(size != 4); return data == nullptr;", "does not hold: size != 4"),
}


@pytest.mark.parametrize(("body", "said"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told(body: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "input.hpp").write_text((TARGETS / "input.hpp").read_text())
    source = tmp_path / "faulty.cpp"
    head = '// sources:\n#include "input.hpp"\nextern "C" int LLVMFuzzerTestOneInput'
    source.write_text(f"{head}(const std::uint8_t* data, std::size_t size) {{ {body} }}\n")
    grown = tmp_path / "grown"
    grown.mkdir()
    (grown / "input").write_bytes(b"four")
    outcome = replayed(Program.read(source), grown, tmp_path / "store")
    assert not outcome.clean
    tell(outcome)
    printed = capsys.readouterr().out
    assert printed.startswith("faulty: FAULT")
    assert said in printed


def called(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["fuzzing", *arguments])
    return main()


def test_without_clang_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert called(monkeypatch, "1") == 2
    assert "apt-get install --no-install-recommends clang" in capsys.readouterr().err


def test_a_clang_without_the_fuzzer_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "clang++"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert called(monkeypatch, "1") == 2


def test_an_unknown_target_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = tmp_path / "clang++"
    fake.write_text("#!/bin/sh\nexit 0\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert called(monkeypatch, "1", "nonsense") == 2
    assert "no such target: nonsense; there are event_queue" in capsys.readouterr().err
