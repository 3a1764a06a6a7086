"""What RTP arrives at the callers: rtpwatch, compiled when it is first needed."""

import json
import subprocess
from typing import Any

from .caller import MEDIA_PORT
from .machine import CACHE, LOAD_CORE, LOAD_PRIORITY, ROOT, scheduled

SOURCE = ROOT / "bench/rtpwatch.c"
PROGRAM = CACHE / "rtpwatch"


def build() -> None:
    """Compiles the tap unless the cache holds it."""
    if not PROGRAM.exists() or PROGRAM.stat().st_mtime < SOURCE.stat().st_mtime:
        subprocess.run(["cc", "-O2", "-o", str(PROGRAM), str(SOURCE)], check=True)


def watch(seconds: float) -> dict[str, Any]:
    """Reads the loopback for so long; what came for the callers' port, as rtpwatch words it.

    It needs CAP_NET_RAW; tapping also costs the sender, so no CPU time is read meanwhile.
    """
    command = [
        *scheduled(LOAD_PRIORITY, str(LOAD_CORE)),
        *(str(PROGRAM), str(MEDIA_PORT), str(MEDIA_PORT), f"{seconds:g}"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"rtpwatch: {done.stderr.strip()}")
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen
