"""Imports run one way; folders know only what stands below them."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "callwright"
LAYERS = [
    {"errors", "ids", "account", "clock", "log", "values", "signing", "digest", "outbound", "__init__"}
    | {"config", "sections", "domains", "numbering", "profiles", "trunking"},
    {"engine"},
    {"store"},
    {"media", "sip"},
    {"calls"},
    {"apps"},
    {"twiml"},
    {"api"},
    {"demo"},
    {"lag", "metrics", "start", "edge", "messaging", "daemon"},
    {"cli", "__main__"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
FILES = sorted(SOURCE.rglob("*.py"))


def area(parts: tuple[str, ...]) -> str:
    return parts[0].removesuffix(".py")


def imported(tree: ast.Module) -> set[str]:
    """Areas of this package that a module imports at run time (TYPE_CHECKING blocks apart)."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    for node in ast.walk(tree):
        modules = []
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        for module in modules:
            if module.startswith("callwright."):
                name = module.split(".")[1]
                found.add(name if name in RANK else "__init__")
    return found


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(SOURCE)) for path in FILES])
def test_imports_run_one_way(path: Path) -> None:
    own = area(path.relative_to(SOURCE).parts)
    assert own in RANK, f"{own} has no place in the order of imports"
    above = {name for name in imported(ast.parse(path.read_text())) if RANK[name] > RANK[own]}
    assert not above, f"{path.relative_to(SOURCE)} imports {above}, which stand above it"


def test_relative_imports_are_not_used() -> None:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}: relative import"


@pytest.mark.parametrize("suffix", ["*.py", "*.cpp", "*.hpp"])
def test_no_file_is_too_long(suffix: str) -> None:
    long = {str(p.relative_to(SOURCE)): n for p in SOURCE.rglob(suffix) if (n := len(p.read_text().splitlines())) > 500}
    assert not long


def test_sip_and_media_know_no_documents() -> None:
    for name in ("sip", "media", "engine"):
        for path in (SOURCE / name).rglob("*.py"):
            assert "TwiML" not in path.read_text(), f"{path} speaks of TwiML"
