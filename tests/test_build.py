"""What `pip install .` does first: it finds pjproject where scripts/build-pjproject has put it, or says what to run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CMAKE = shutil.which("cmake", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")

pytestmark = pytest.mark.integration


def configured(build: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """The first step of the build, with nothing in the environment that says where pjproject is."""
    assert CMAKE is not None, "scripts/test installs cmake"
    inherited = {name: value for name, value in os.environ.items() if name != "CALLWRIGHT_PJPROJECT"}
    command = [CMAKE, "-S", str(ROOT), "-B", str(build), f"-DPython_EXECUTABLE={sys.executable}"]
    return subprocess.run(command, env=inherited | environment, capture_output=True, text=True, check=False)


def test_it_finds_what_the_build_script_has_installed(tmp_path: Path) -> None:
    done = configured(tmp_path, CC="gcc", CXX="g++")  # as pip sets them
    assert done.returncode == 0, done.stderr
    assert "Build files have been written" in done.stdout


def test_without_it_the_command_to_run_is_told(tmp_path: Path) -> None:
    done = configured(tmp_path, CALLWRIGHT_CACHE=str(tmp_path / "empty"))
    assert done.returncode != 0
    assert "pjproject is not built" in done.stderr and "scripts/build-pjproject" in done.stderr
