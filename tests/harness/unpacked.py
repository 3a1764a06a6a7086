"""Programs of Debian packages that `scripts/test` unpacks and does not install: their services would start."""

import os
import shutil
from pathlib import Path


def unpacked(package: str, program: str) -> tuple[Path, Path]:
    """A program and the root below which its package lies: "/" where it is installed.

    Args:
        program: its path inside the package, as "usr/sbin/kamailio".

    Raises:
        AssertionError: it is neither installed nor unpacked.
    """
    if found := shutil.which(Path(program).name):
        return Path(found), Path("/")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "callwright"
    root = Path(os.environ.get("CALLWRIGHT_CACHE") or home) / package
    path = root / program
    assert path.exists(), f"{path.name} is missing; it comes with the Debian package {package}"
    return path, root
