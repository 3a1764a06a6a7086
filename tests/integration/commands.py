"""The command line as an operator uses it: one command, its end, and what it printed."""

import asyncio
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.harness.daemon import toml
from tests.harness.waiting import within


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that is over: its exit code and its lines."""

    code: int
    out: list[str]
    err: list[str]

    def refuses(self, *parts: str) -> None:
        """Asserts exit code 1 and one line on standard error that says what is wrong, without a traceback."""
        lines = [line for line in self.err if line.startswith("callwright: ")]
        assert (self.code, len(lines)) == (1, 1), self
        others = [line for line in self.err if line not in lines]
        assert all(re.match(r"\d{4}-\d\d-\d\dT\S+Z (INFO|WARNING) ", line) for line in others), others
        missing = [part for part in parts if part not in lines[0]]
        assert missing == [], f"{missing} not in {lines[0]!r}"


async def callwright(
    *arguments: str | Path,
    environment: Mapping[str, str] | None = None,
    timeout: float = 15.0,
    prefix: Sequence[str] = (),
) -> Ended:
    """Runs `callwright ARGUMENTS` to its end.

    Args:
        environment: variables beside the test's own, of which those of Callwright are left out.
        timeout: seconds in which it must end.
        prefix: a command that runs it, as `["setpriv", "--reuid=65534"]`.
    """
    return await program("-m", "callwright", *arguments, environment=environment, timeout=timeout, prefix=prefix)


async def program(
    *arguments: str | Path,
    environment: Mapping[str, str] | None = None,
    timeout: float = 15.0,
    prefix: Sequence[str] = (),
) -> Ended:
    """The same of whatever this Python runs."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CALLWRIGHT_")}
    process = await asyncio.create_subprocess_exec(
        *prefix, sys.executable, *map(str, arguments),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**inherited, **(environment or {})},
    )  # fmt: skip
    try:
        out, err = await within(process.communicate(), timeout, lambda: f"{' '.join(map(str, arguments))} ends")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode().splitlines(), err.decode().splitlines())


def written(directory: Path, config: Mapping[str, Any], name: str = "callwright.toml") -> Path:
    """A configuration file."""
    path = directory / name
    path.write_text(toml(config))
    return path
