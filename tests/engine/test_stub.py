"""The hand-written stub says what the built module is: names, parameters, kinds, defaults, types, enum members."""

import ast
import enum
import inspect
from pathlib import Path
from typing import Any

import pytest

import callwright.engine
from callwright.engine import _engine

STUB = ast.parse((Path(callwright.engine.__file__).parent / "_engine.pyi").read_text())
CLASSES = {node.name: node for node in STUB.body if isinstance(node, ast.ClassDef)}
FUNCTIONS = {node.name: node for node in STUB.body if isinstance(node, ast.FunctionDef)}
NATIVE = {name: value for name, value in vars(_engine).items() if inspect.isclass(value)}
HEADERS = "Sequence[tuple[str, str]]"


def test_the_stub_names_every_class_and_no_other() -> None:
    assert set(CLASSES) == set(NATIVE)


def test_the_package_exports_every_name() -> None:
    assert set(callwright.engine.__all__) == set(NATIVE) | set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str) -> None:
    native = signature(vars(_engine)[name])
    assert parameters(FUNCTIONS[name]) == parameters(native)
    assert returned(FUNCTIONS[name]) == returned(native)


def test_the_stub_names_every_function() -> None:
    native = {name for name, value in vars(_engine).items() if hasattr(value, "__nb_signature__")}
    assert set(FUNCTIONS) == native - set(NATIVE)


def test_event_kinds() -> None:
    named = [node.targets[0].id for node in CLASSES["EventKind"].body if isinstance(node, ast.Assign)]  # type: ignore[attr-defined]  # names only
    assert named == [kind.name for kind in _engine.EventKind]
    assert [kind.value for kind in _engine.EventKind] == list(range(1, len(named) + 1))
    assert issubclass(_engine.EventKind, enum.IntEnum)


@pytest.mark.parametrize("name", [name for name in CLASSES if name != "EventKind"])
def test_members(name: str) -> None:
    stubbed = {node.name: node for node in CLASSES[name].body if isinstance(node, ast.FunctionDef)}
    native = {
        member: value
        for member, value in vars(NATIVE[name]).items()
        if not member.startswith("_") or (member == "__init__" and "__init__" in stubbed)
    }
    assert set(stubbed) == set(native)
    for member, node in stubbed.items():
        is_property = any(isinstance(mark, ast.Name) and mark.id == "property" for mark in node.decorator_list)
        assert is_property == isinstance(native[member], property), member
        if not is_property:
            assert parameters(node) == parameters(signature(native[member])), member
            assert returned(node) == returned(signature(native[member])), member


def signature(function: Any) -> ast.FunctionDef:
    """What nanobind knows of a function, as a definition with its defaults put in."""
    ((text, _, defaults),) = function.__nb_signature__
    for number, default in reversed(list(enumerate(defaults or ()))):
        text = text.replace(f"\\{number}", repr(tuple(default) if isinstance(default, list) else default))
    node = ast.parse(f"{text}: ...").body[0]
    assert isinstance(node, ast.FunctionDef)
    return node


def parameters(node: ast.FunctionDef) -> list[tuple[str, str, str, str]]:
    """Name, kind, type and default of each parameter but self."""
    arguments = node.args
    plain = arguments.posonlyargs + arguments.args
    defaults = [None] * (len(plain) - len(arguments.defaults)) + list(arguments.defaults)
    found = [(each, "plain", default) for each, default in zip(plain, defaults, strict=True)]
    found += [(e, "keyword", d) for e, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    return [
        (each.arg, kind, spelt(each.annotation), "" if default is None else value(default))
        for each, kind, default in found
        if each.arg != "self"
    ]


def value(node: ast.expr) -> str:
    """A default; 0 and 0.0 are the same."""
    constant = ast.literal_eval(node)
    return str(float(constant)) if isinstance(constant, int | float) and constant is not True else repr(constant)


def spelt(node: ast.expr | None) -> str:
    """A type without the modules' names."""
    text = ast.unparse(node) if node else ""
    for prefix in ("collections.abc.", "callwright.engine._engine.", "typing."):
        text = text.replace(prefix, "")
    return text.replace("Headers", HEADERS)


def returned(node: ast.FunctionDef) -> str:
    """The result's type, without what a native container holds, which nanobind cannot know."""
    return spelt(node.returns).split("[")[0]
