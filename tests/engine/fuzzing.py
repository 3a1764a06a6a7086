"""Fuzzes parts of the engine: `python -m tests.engine.fuzzing SECONDS [NAME...]` runs each target of fuzz/ for so long.

A target is compiled by clang with libFuzzer, AddressSanitizer and UBSan. It starts from fuzz/corpus/NAME, what it adds
goes to the cache and is used by the next run. An input that brings it down stays in the cache and is named.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .program import SANITIZER_OPTIONS, Program, Toolchain, cache_directory, pjproject

TARGETS = Path(__file__).parent / "fuzz"
CORPUS = TARGETS / "corpus"
# libFuzzer counts what comparisons and branches of pjproject its inputs reach, so that is compiled for it as well.
PJPROJECT_FLAGS = "-O1 -fno-omit-frame-pointer -fsanitize=address,fuzzer-no-link"
SANITIZERS = "fuzzer,address,undefined"
FLAGS = ("-g", "-O1", "-fno-omit-frame-pointer", f"-fsanitize={SANITIZERS}", "-fno-sanitize-recover=all")
INSTALL = "apt-get install --no-install-recommends clang llvm 'libclang-rt-*-dev' (the version that clang has)"
LONGEST_INPUT_S = 10
MEMORY_MB = 2048
SHOWN_LINES = 60


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the fuzzing of a target ended: `output` is libFuzzer's."""

    name: str
    clean: bool
    output: str

    @property
    def summary(self) -> str:
        """How many inputs were tried, and how many of them led somewhere new."""
        figures = dict(re.findall(r"^stat::(\w+): +(\d+)$", self.output, re.MULTILINE))
        return f"{figures.get('number_of_executed_units', 0)} inputs, {figures.get('new_units_added', 0)} kept"


def targets() -> list[Program]:
    """All of them, by name."""
    return [Program.read(path) for path in sorted(TARGETS.glob("*.cpp"))]


def toolchain(store: Path | None = None) -> Toolchain:
    """Clang with its pjproject, which is built when it is not."""
    return Toolchain("clang++", FLAGS, pjproject(CC="clang", CXX="clang++", PJPROJECT_FLAGS=PJPROJECT_FLAGS), store)


def missing() -> bool:
    """Whether there is no clang with libFuzzer."""
    if shutil.which("clang++") is None:
        return True
    command = ["clang++", f"-fsanitize={SANITIZERS}", "-x", "c++", "-", "-o", os.devnull]
    source = b'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }'
    return subprocess.run(command, input=source, capture_output=True).returncode != 0


def fuzz(executable: Path, name: str, seconds: int, grown: Path) -> Outcome:
    """Runs a target; inputs that it finds go to `grown`."""
    grown.mkdir(parents=True, exist_ok=True)
    seeds = [str(CORPUS / name)] if (CORPUS / name).is_dir() else []
    command = [
        *(str(executable), str(grown), *seeds),
        *(f"-max_total_time={seconds}", f"-timeout={LONGEST_INPUT_S}", f"-rss_limit_mb={MEMORY_MB}"),
        *(f"-artifact_prefix={grown.parent}/{name}-", "-print_final_stats=1"),
    ]
    environment = os.environ | SANITIZER_OPTIONS
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return Outcome(name, done.returncode == 0, done.stdout.decode(errors="replace"))


def tell(outcome: Outcome) -> None:
    """Says how it ended; of a fault its report, whose end names the input."""
    print(f"{outcome.name}: {'nothing found' if outcome.clean else 'FAULT'}; {outcome.summary}", flush=True)
    if not outcome.clean:
        lines = outcome.output.splitlines()
        first = next((n for n, line in enumerate(lines) if "ERROR" in line or "runtime error" in line), len(lines))
        shown = lines[max(0, first - 5) :]
        print("\n".join(shown if len(shown) <= SHOWN_LINES else [*shown[: SHOWN_LINES - 5], "...", *shown[-5:]]))


def main() -> int:
    """Builds and runs the targets, as many at a time as there are cores."""
    parser = argparse.ArgumentParser(prog="scripts/check --fuzz")
    parser.add_argument("seconds", type=int)
    parser.add_argument("names", nargs="*", metavar="NAME")
    given = parser.parse_args()
    if missing():
        print(f"clang with libFuzzer is needed: {INSTALL}", file=sys.stderr)
        return 2
    known = {program.name: program for program in targets()}
    if unknown := set(given.names) - set(known):
        print(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    chain = toolchain()
    executables = {name: chain.build(known[name]) for name in given.names or known}
    grown = cache_directory() / "fuzz"
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        running = [
            pool.submit(fuzz, executable, name, given.seconds, grown / name) for name, executable in executables.items()
        ]
        outcomes = [future.result() for future in running]
    for outcome in outcomes:
        tell(outcome)
    return 0 if all(outcome.clean for outcome in outcomes) else 1


if __name__ == "__main__":
    raise SystemExit(main())
