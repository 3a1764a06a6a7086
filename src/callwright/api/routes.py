"""Which resource answers a path: literal segments and `{names}`, one handler a method."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from callwright.api.request import Answer

OWN = "Accounts/-"
"""The path of an account that the caller may act on: its SID is checked before, and stands as "-" in the routes."""

ROOTS = ("/v1/", "/v2/")
"""What the paths of product APIs begin with."""

Handler = Callable[..., Awaitable[Answer]]


@dataclass(slots=True)
class _Node:
    literals: "dict[str, _Node]" = field(default_factory=dict)
    named: "tuple[str, _Node] | None" = None
    handlers: dict[str, Handler] = field(default_factory=dict)


class Routes:
    """Paths below the API's version, and absolute ones. A literal segment goes before a named one."""

    def __init__(self) -> None:
        self._root = _Node()

    def add(self, method: str, path: str, handler: Handler) -> None:
        """Adds a handler, called with the request and the named segments.

        Args:
            path: "Accounts/-/Calls/{call_sid}/Recordings", or of a product API "/v1/ByocTrunks".

        Raises:
            ValueError: the method of this path has a handler, or its segment has another name.
        """
        node = self._root
        for segment in path.removeprefix("/").split("/"):
            if segment.startswith("{"):
                name = segment.strip("{}")
                node.named = node.named or (name, _Node())
                if node.named[0] != name:
                    raise ValueError(f"{path}: {name} is called {node.named[0]} elsewhere")
                node = node.named[1]
            else:
                node = node.literals.setdefault(segment, _Node())
        if method in node.handlers:
            raise ValueError(f"{method} {path} has a handler")
        node.handlers[method] = handler

    def walk(self) -> Iterator[tuple[str, dict[str, Handler]]]:
        """Every path that answers, with its handlers by method; a product API's path is absolute."""
        yield from _walk(self._root, "")

    def find(self, segments: list[str]) -> tuple[dict[str, Handler], dict[str, Any]]:
        """The handlers of a path by method (none: no such resource), and the named segments."""
        node, names = self._root, {}
        for segment in segments:
            if (literal := node.literals.get(segment)) is not None:
                node = literal
            elif node.named is not None and segment:
                names[node.named[0]] = segment
                node = node.named[1]
            else:
                return {}, {}
        return node.handlers, names


def _walk(node: _Node, path: str) -> Iterator[tuple[str, dict[str, Handler]]]:
    if node.handlers:
        yield (path if path.startswith(ROOTS) else path.removeprefix("/")), node.handlers
    for segment, below in node.literals.items():
        yield from _walk(below, f"{path}/{segment}")
    if node.named is not None:
        yield from _walk(node.named[1], f"{path}/{{{node.named[0]}}}")
