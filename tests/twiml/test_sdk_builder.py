"""Whatever the vendor's builder of voice documents can make is parsed and run: its methods are enumerated.

Each verb and each noun stands with every attribute that the builder knows, in a document that a caller walks through.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest
from twilio.twiml import TwiML, voice_response
from twilio.twiml.voice_response import VoiceResponse

from callwright.calls.application import Application, Hook
from callwright.cli.simulation import SimulatedCall
from callwright.twiml.catalogue import elements
from callwright.twiml.document import parse
from callwright.twiml.session import Answer as SessionAnswer
from callwright.twiml.session import Session
from callwright.twiml.verbs import VERBS
from tests.twiml.playbook import VOICE, Answer, twiml

T = TypeVar("T")

SPELLED = {"from_": "from", "for_": "for", "xml_lang": "xml:lang", "interpret_as": "interpret-as"}
TEXTS = {
    "phone_number": "+15550001111",
    "number": "+15550001111",
    "url": "/next",
    "sip_url": "sip:bob@pbx.example",
    "identity": "bob",
    "client_identity": "bob",
    "application_sid": "AP" + "0" * 32,
    "sid": "AP" + "0" * 32,
    "sim_sid": "DE" + "0" * 32,
}
SSML = {
    "strength": "strong",
    "time": "250ms",
    "level": "moderate",
    "xml:lang": "fr-FR",
    "alphabet": "ipa",
    "ph": "a",
    "volume": "loud",
    "rate": "slow",
    "pitch": "high",
    "interpret-as": "date",
    "format": "mdy",
    "role": "amazon:VB",
    "alias": "x",
}
GOOD = {
    (one.path.rpartition("/")[2], attribute.name): next(good for good in attribute.good if good)
    for one in elements()
    for attribute in one.attributes
}
BASIC = {name for name, _ in inspect.getmembers(TwiML, inspect.isfunction)}
AT_ONCE = {"Sip": {"username": "alice", "password": "secret"}, "Gather": {"speechTimeout": "3", "input": "dtmf"}}
"""What belongs together."""


def spelled(name: str) -> str:
    """An attribute's name in XML."""
    first, *others = SPELLED.get(name, name).split("_")
    return first + "".join(part.capitalize() for part in others)


def methods(kind: type[TwiML]) -> list[str]:
    return [name for name, _ in inspect.getmembers(kind, inspect.isfunction) if name not in BASIC]


def called(node: TwiML, method: str) -> TwiML:
    """What a method makes, with every argument that it knows."""
    signature = inspect.signature(getattr(type(node), method)).parameters.values()
    needed = [one.name for one in signature if one.default is one.empty and one.name not in ("self", "kwargs")]
    element = getattr(type(node)(), method)(**dict.fromkeys(needed, "x")).name
    given: dict[str, Any] = {}
    for name in _arguments(type(node), method):
        if _is_text(type(node), method, name):
            given[name] = TEXTS.get(name, "hello")
            continue
        attribute = spelled(name)
        value = AT_ONCE.get(element, {}).get(attribute) or GOOD.get((element, attribute)) or SSML.get(attribute)
        given[name] = value or "true"
    made = getattr(node, method)(**given)
    assert isinstance(made, TwiML)
    return made


def _arguments(kind: type[TwiML], method: str) -> list[str]:
    parameters = inspect.signature(getattr(kind, method)).parameters
    return [name for name in parameters if name not in ("self", "kwargs")]


def _is_text(kind: type[TwiML], method: str, name: str) -> bool:
    """Whether an argument is the element's text: the first one, when the element's class takes it so."""
    arguments = _arguments(kind, method)
    source = inspect.getsource(getattr(kind, method))
    return (bool(arguments) and name == arguments[0] and f"            {name},\n" in source) or f"({name}, " in source


def paths() -> Iterator[tuple[str, ...]]:
    """The shortest chain of methods to each method of each class."""
    met: set[tuple[type[TwiML], str]] = set()
    waiting: list[tuple[type[TwiML], tuple[str, ...]]] = [(VoiceResponse, ())]
    while waiting:
        kind, before = waiting.pop(0)
        for method in methods(kind):
            if (kind, method) not in met:
                met.add((kind, method))
                path = (*before, method)
                waiting.append((type(chained(path)), path))
                yield path


def chained(path: tuple[str, ...]) -> TwiML:
    """The last element of a chain."""
    node: TwiML = VoiceResponse()
    for method in path:
        node = called(node, method)
    return node


def written(path: tuple[str, ...]) -> str:
    """The document in which a chain of methods ends."""
    response: TwiML = VoiceResponse()
    node = response
    for method in path:
        node = called(node, method)
    return str(response)


class Documents:
    """One document at the voice URL, and an empty one everywhere else."""

    def __init__(self, document: str) -> None:
        self.document = document

    async def get(self, hook: Hook, params: dict[str, str], parse: Callable[[SessionAnswer], T]) -> T:
        body = self.document.encode() if hook == VOICE else twiml("").body
        self.document = "<Response/>"
        return parse(Answer(body, "text/xml", hook.url))

    async def given(self, text: str, params: dict[str, str], parse: Callable[[SessionAnswer], T]) -> T:
        raise AssertionError("the document has a URL")

    def amend(self, application: Application) -> None:
        raise AssertionError("nobody changes anything")


PATHS = sorted({".".join(path) for path in paths()})
KNOWN = ("unknown attribute", "is not allowed", "is not a verb", "bad value", "bad attribute", "not an SSML element")


def test_the_whole_builder_is_walked() -> None:
    """Every class of elements that it has is met, and each verb of the registry that it can write."""
    classes = {
        kind
        for _, kind in inspect.getmembers(voice_response, inspect.isclass)
        if issubclass(kind, TwiML) and kind.__module__ == voice_response.__name__ and kind is not VoiceResponse
    }
    met = {type(chained(tuple(path.split(".")))) for path in PATHS}
    assert classes - met == set()
    first = {chained((method,)).name for method in methods(VoiceResponse)}
    assert set(VERBS) - first == {"Message"}


@pytest.mark.parametrize("path", PATHS)
async def test_it_is_parsed_and_run(path: str) -> None:
    document = written(tuple(path.split(".")))
    parsed = parse(document.encode(), "text/html; charset=utf-8", VOICE.url)
    strange = [warning.message for warning in parsed.warnings if any(part in warning.message for part in KNOWN)]
    assert strange == [], document
    lines: list[str] = []
    call = SimulatedCall((), lines.append, account_sid="AC" + "1" * 32, from_="+15557654321", to="+15550001000")
    await Session(call, Documents(document), Application(voice=VOICE), time=lambda: call.time).run()
    assert call.status.final and not call.failed
    ran = any("<" in line for line in lines)
    warned = any("warning code=" in line for line in lines)
    assert ran or warned, f"nothing came of {document}"
