"""Fail2ban's programs, installed or as `scripts/test` unpacks their package, and what this tree ships for them."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from .unpacked import unpacked

SHIPPED = Path(__file__).parents[2] / "config" / "fail2ban"
FILTER = SHIPPED / "filter.d" / "callwright.conf"
JAIL = SHIPPED / "jail.d" / "callwright.conf"


def _program(name: str) -> tuple[list[str], Path]:
    """A command, and the directory of its configuration."""
    program, root = unpacked("fail2ban", f"usr/bin/{name}")
    if root == Path("/"):
        return [str(program)], Path("/etc/fail2ban")
    modules = root / "usr" / "lib" / "python3" / "dist-packages"
    return ["env", f"PYTHONPATH={modules}", "/usr/bin/python3", str(program)], root / "etc" / "fail2ban"


def banned(lines: Iterable[str], directory: Path, mode: str = "normal") -> list[str]:
    """The address of each line that the shipped filter matches, in order; `fail2ban-regex` passes over a file of them.

    Args:
        directory: for the file.
        mode: of the filter, "normal" or "aggressive".

    Raises:
        AssertionError: the filter has a fault, or the program is missing.
    """
    file = directory / "callwright.log"
    file.write_text("".join(line + "\n" for line in lines))
    program, configuration = _program("fail2ban-regex")
    command = [*program, "-c", str(configuration), "-o", "ip", str(file), f"{FILTER}[mode={mode}]"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 1), done.stderr  # 1: nothing was found
    assert "ERROR" not in done.stdout + done.stderr, done.stdout + done.stderr
    return done.stdout.split()


def commands(directory: Path) -> str:
    """What fail2ban would do with its own configuration and the shipped jail and filter in it: `fail2ban-client -d`.

    Raises:
        AssertionError: it does not take them, or the program is missing.
    """
    program, configuration = _program("fail2ban-client")
    shutil.copytree(configuration, directory / "fail2ban")
    for file in (FILTER, JAIL):
        shutil.copy(file, directory / "fail2ban" / file.parent.name / file.name)
    done = subprocess.run(
        [*program, "-c", str(directory / "fail2ban"), "-d"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ERROR" not in done.stdout + done.stderr, done.stdout + done.stderr
    return done.stdout
