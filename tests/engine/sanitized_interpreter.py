"""An interpreter that can load an engine with a sanitizer in it.

`python -m tests.engine.sanitized_interpreter KIND WHERE` makes it in WHERE/bin/python: this environment's own,
with the sanitizer's runtime preloaded, the packages of WHERE/package before all others, and every report written to a
file of WHERE/reports.
"""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from .sanitizer_reports import FRAME_FORMAT

SUPPRESSIONS = Path(__file__).parent / "tsan.supp"


def runtime(library: str) -> str:
    """The path of a library of the compiler's."""
    command = [os.environ.get("CXX", "c++"), f"-print-file-name={library}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def environment(kind: str, reports: Path) -> dict[str, str]:
    """What the runtime of "address" or "thread" is started with.

    A process goes on after a report and ends with its own code, unless its memory is broken: then it aborts.
    """
    options = f"log_path={reports}/{kind}:exitcode=0:stack_trace_format={FRAME_FORMAT}"
    if kind == "thread":
        # What is not compiled for it (Python and its libraries) would be reported for want of knowing its locks.
        options += f":suppressions={SUPPRESSIONS}:ignore_noninstrumented_modules=1:die_after_fork=0"
        return {
            "LD_PRELOAD": runtime("libtsan.so"),
            "TSAN_OPTIONS": f"{options}:second_deadlock_stack=1:history_size=7",
        }
    return {
        # libstdc++ beside it: the runtime looks its exceptions up when it starts.
        "LD_PRELOAD": f"{runtime('libasan.so')} {runtime('libstdc++.so.6')}",
        # Python's own allocator would hide its objects from the search for leaks, and so what they hold.
        "PYTHONMALLOC": "malloc",
        "ASAN_OPTIONS": f"{options}:detect_leaks=1:abort_on_error=1",
        "UBSAN_OPTIONS": f"{options}:print_stacktrace=1",
    }


def prelude(kind: str, reports: Path) -> str:
    """What the interpreter does first, in one line: a line of a .pth file."""
    # The runtime stays with Python: other people's programs, which the tests start, run without it.
    first = 'import ctypes, os; os.environ.pop("LD_PRELOAD", None)'
    if kind == "thread":
        return first
    # UBSan's log_path is not heeded when ASan's runtime is there.
    path = f"{reports}/undefined".encode()
    return f'{first}; ctypes.CDLL("{runtime("libubsan.so")}").__sanitizer_set_report_path({path!r})'


def make(kind: str, where: Path) -> None:
    """Writes the interpreter and its environment."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site, executable, reports = where / f"lib/{version}/site-packages", where / "bin/python", where / "reports"
    for directory in (site, executable.parent, reports):
        directory.mkdir(parents=True, exist_ok=True)
    (where / "pyvenv.cfg").write_text((Path(sys.prefix) / "pyvenv.cfg").read_text())
    # A path in a .pth file brings no .pth files of its own: the hooks of the editable installation stay out.
    lines = [str(where / "package"), sysconfig.get_path("purelib"), prelude(kind, reports)]
    (site / "sanitized.pth").write_text("".join(f"{line}\n" for line in lines))
    # What the caller's own options say comes last, and holds.
    own = "${{{0}:+:${0}}}"
    exports = [
        f"export {name}={shlex.quote(value)}" + (own.format(name) if name.endswith("_OPTIONS") else "")
        for name, value in environment(kind, reports).items()
    ]
    start = f'exec -a {shlex.quote(str(executable))} {shlex.quote(sys._base_executable)} "$@"'
    # Not by env: some tests start it with another PATH.
    executable.write_text("\n".join([f"#!{shutil.which('bash')}", *exports, start, ""]))
    executable.chmod(0o755)


if __name__ == "__main__":
    make(sys.argv[1], Path(sys.argv[2]))
