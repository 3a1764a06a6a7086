"""Programs that are compiled with sources of the engine: the native tests and the fuzz targets.

The first lines of such a program say what it is made of:

    // sources: event.cpp rtp/*.cpp          of src/callwright/engine; * leaves out what binds it to Python
    // packages: liburing                    of pkg-config, beside pjproject (this line may be left out)

Objects and programs lie in the cache under a hash of all that they are made from: a second build does nothing, and a
program whose sources changed compiles those alone.
"""

import hashlib
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "src/callwright/engine"
WRAPS = {
    "keep_alive.cpp": "pj_sock_recvfrom",
    "leniency.cpp": "pjsip_parse_rdata",
    "tls_names.cpp": "SSL_CTX_new",
}
"""What the engine puts in the place of pjproject's functions, by its sources."""
WARNINGS = ("-std=c++17", "-Wall", "-Wextra", "-Werror")
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}
"""For running a program; a run of the tests under a sanitizer has other ones."""
KEPT_S = 30 * 86400
"""What nobody has used for so long is removed from the cache."""


class CompilationFailed(Exception):
    """The compiler's own words."""


def cache_directory() -> Path:
    """Where the project keeps what it has built."""
    given = os.environ.get("CALLWRIGHT_CACHE")
    return Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "callwright"


def pjproject(**environment: str) -> Path:
    """The prefix of pjproject as scripts/build-pjproject installs it under this environment; built when it is not."""
    command = [str(ROOT / "scripts/build-pjproject")]
    subprocess.run(command, env=os.environ | environment, check=True)
    command.append("--prefix")
    printed = subprocess.run(command, env=os.environ | environment, check=True, stdout=subprocess.PIPE, text=True)
    return Path(printed.stdout.strip())


def _engine_files(name: str) -> list[Path]:
    if "*" not in name:
        return [ENGINE / name]
    return [path for path in sorted(ENGINE.glob(name)) if not path.stem.endswith("module")]


@dataclass(frozen=True, slots=True)
class Program:
    """A source file and what its first lines ask for.

    Raises:
        ValueError: its first line is not "// sources: ...".
    """

    source: Path
    sources: tuple[Path, ...]
    packages: tuple[str, ...]

    @classmethod
    def read(cls, source: Path) -> "Program":
        """Reads the first lines."""
        lines = source.read_text().splitlines()
        if not lines or not lines[0].startswith("// sources:"):
            raise ValueError(f'{source}: the first line must be "// sources: a.cpp b.cpp"')
        names = lines[0].removeprefix("// sources:").split()
        asked = len(lines) > 1 and lines[1].startswith("// packages:")
        packages = lines[1].removeprefix("// packages:").split() if asked else []
        return cls(source, tuple(path for name in names for path in _engine_files(name)), tuple(packages))

    @property
    def name(self) -> str:
        """Without its suffix."""
        return self.source.stem

    def with_source(self, other: Path) -> "Program":
        """The same with one more source."""
        return replace(self, sources=(*self.sources, other))

    @property
    def threaded(self) -> bool:
        """Whether it starts threads, and is worth a run under ThreadSanitizer."""
        return "#include <thread>" in self.source.read_text()


class Toolchain:
    """A compiler with its flags, and the pjproject that is linked.

    Args:
        compiler: the C++ compiler.
        flags: for compiling and linking, beyond the warnings and the include paths.
        prefix: of pjproject.
        store: where objects and programs are kept; default: the cache.
    """

    def __init__(self, compiler: str, flags: Sequence[str], prefix: Path, store: Path | None = None) -> None:
        self._compiler = compiler
        self._flags = tuple(flags)
        self._prefix = prefix
        self._store = store or cache_directory() / "native"

    def build(self, program: Program) -> Path:
        """The executable, compiled unless the cache has it.

        Raises:
            CompilationFailed: it does not compile or link.
        """
        includes = self._includes(program)
        objects = [self._object(path, includes) for path in (program.source, *program.sources)]
        libraries = self._package_flags(program, "--libs", "--static")
        arguments = [*self._flags, *map(str, objects), *libraries, *_wraps(program)]
        return self._made(program.name, self._digest(*arguments), arguments)

    def _object(self, source: Path, includes: Sequence[str]) -> Path:
        arguments = [*self._flags, *WARNINGS, *includes, "-c", str(source)]
        digest = self._digest(*arguments, source.read_text(), self._headers, *map(Path.read_text, _beside(source)))
        return self._made(f"{source.stem}.o", digest, arguments)

    def _made(self, name: str, digest: str, arguments: Sequence[str]) -> Path:
        """The output of a compiler call, from the cache if it is there."""
        self._store.mkdir(parents=True, exist_ok=True)
        target = self._store / f"{digest}-{name}"
        if target.exists():
            os.utime(target)
            return target
        # Under another name until it is whole: other workers build the same at the same time.
        with tempfile.TemporaryDirectory(dir=self._store) as scratch:
            output = Path(scratch) / name
            command = [self._compiler, *arguments, "-o", str(output)]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode != 0:
                raise CompilationFailed(f"{' '.join(command)}\n{done.stdout}")
            output.rename(target)
        self._forget_old()
        return target

    def _forget_old(self) -> None:
        oldest = time.time() - KEPT_S
        for path in self._store.iterdir():
            if path.is_file() and path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)

    def _includes(self, program: Program) -> list[str]:
        """pjproject's headers are not ours to warn about."""
        flags = self._package_flags(program, "--cflags")
        return [f"-I{ENGINE}", *(flag.replace("-I", "-isystem", 1) for flag in flags)]

    def _package_flags(self, program: Program, *options: str) -> list[str]:
        path = f"{self._prefix}/lib/pkgconfig:{os.environ.get('PKG_CONFIG_PATH', '')}"
        done = subprocess.run(
            ["pkg-config", *options, "libpjproject", *program.packages],
            env=os.environ | {"PKG_CONFIG_PATH": path},
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise CompilationFailed(f"{program.source}: {done.stderr}")
        return [flag for flag in done.stdout.split() if not flag.startswith("-lpjsua2")]

    def _digest(self, *parts: str) -> str:
        whole = "\0".join([self._version, str(self._prefix), *parts])
        return hashlib.sha256(whole.encode()).hexdigest()[:20]

    @cached_property
    def _version(self) -> str:
        done = subprocess.run([self._compiler, "--version"], capture_output=True, text=True, check=True)
        return done.stdout

    @cached_property
    def _headers(self) -> str:
        """Every header of the engine: which of them a source reads is not worth finding out."""
        return "\0".join(path.read_text() for path in sorted(ENGINE.rglob("*.hpp")))


def _wraps(program: Program) -> list[str]:
    """As CMakeLists.txt links the engine; a program without such a file has nothing in its function's place."""
    return [f"-Wl,--wrap={function}" for source, function in WRAPS.items() if ENGINE / source in program.sources]


def _beside(source: Path) -> list[Path]:
    """The headers that lie beside a program; those of the engine are counted already."""
    return [] if source.is_relative_to(ENGINE) else sorted(source.parent.glob("*.hpp"))
