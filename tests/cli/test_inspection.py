"""`callwright verbs`, `lint` and `simulate`."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from callwright.twiml.catalogue import elements, markdown
from tests.cli.test_app import invoke
from tests.harness import ApplicationServer
from tests.harness.application import Answer

TOKEN = "secret"
Servers = Callable[..., Awaitable[ApplicationServer]]
FAULTY = """<?xml version="1.0"?>
<Response>
  <Gather timeout="x" action="/key">
    <Say voice="robot">Hello</Say>
  </Gather>
  <Pay/>
</Response>
"""


def file(tmp_path: Path, text: str, name: str = "voice.xml") -> str:
    path = tmp_path / name
    path.write_text(text)
    return str(path)


class TestVerbs:
    def test_all_of_them(self) -> None:
        code, out, _ = invoke("verbs")
        assert code == 0
        names = {line.split(" (")[0] for line in out.splitlines() if not line.startswith(" ")}
        assert names == {one.path for one in elements()}

    def test_one_with_its_attributes(self) -> None:
        code, out, _ = invoke("verbs", "Pause")
        assert (code, out) == (0, "Pause\n  length: 0 to 86400 (1); bad: 13910\n")
        _, out, _ = invoke("verbs", "Dial/Number")
        assert "  machineDetection: Enable, DetectMessageEnd (none); bad: 12200" in out.splitlines()
        _, out, _ = invoke("verbs", "Enqueue")
        assert any(
            line.endswith("; no effect: no TaskRouter: the action is told of an error") for line in out.splitlines()
        )

    def test_none_of_that_name(self) -> None:
        assert invoke("verbs", "Sing") == (1, "", ["callwright: there is no verb or noun Sing"])

    def test_the_table_of_the_readme(self) -> None:
        assert invoke("verbs", "--markdown")[1].splitlines() == markdown()


class TestLint:
    def test_good(self, tmp_path: Path) -> None:
        name = file(tmp_path, "<Response><Say>Hello</Say><Redirect>/next</Redirect></Response>")
        assert invoke("lint", name) == (0, f"{name}: 2 verbs, 0 warnings\n", [])

    def test_every_warning_with_its_line(self, tmp_path: Path) -> None:
        name = file(tmp_path, FAULTY)
        code, out, _ = invoke("lint", name)
        lines = out.splitlines()
        assert code == 0 and lines[-1] == f"{name}: 2 verbs, 3 warnings"
        told = [line.split(": ")[:2] for line in lines[:-1]]
        assert told == [[f"{name}:3", "warning 13313"], [f"{name}:4", "warning 13321"], [f"{name}:6", "warning 64001"]]
        assert invoke("lint", name, "--strict")[0] == 1

    @pytest.mark.parametrize(
        ("text", "code"), [("<Response>", 12100), ("<Answer/>", 12102), ("", 11770), ("<!DOCTYPE x><Response/>", 12100)]
    )
    def test_what_cannot_be_run(self, tmp_path: Path, text: str, code: int) -> None:
        name = file(tmp_path, text)
        ended, out, _ = invoke("lint", name)
        assert ended == 1 and out.startswith(f"{name}: error {code}: ")

    def test_text_is_spoken(self, tmp_path: Path) -> None:
        name = file(tmp_path, "Hello", "hello.txt")
        assert invoke("lint", name)[1] == f"{name}: 1 verbs, 0 warnings\n"

    def test_no_file(self, tmp_path: Path) -> None:
        code, _, lines = invoke("lint", str(tmp_path / "none.xml"))
        assert (code, lines) == (1, [f"callwright: {tmp_path / 'none.xml'}: No such file or directory"])

    async def test_a_url(self, applications: Servers) -> None:
        server = await applications(TOKEN)
        server.on("/voice", FAULTY)
        code, out, _ = await asyncio.to_thread(invoke, "lint", server.url("/voice"), "--token", TOKEN)
        assert code == 0 and out.splitlines()[-1].endswith("2 verbs, 3 warnings")
        (request,) = server.requests
        assert request.signed and request.form["CallStatus"] == "ringing"
        server.on("/voice", Answer(status=500))
        code, _, lines = await asyncio.to_thread(invoke, "lint", server.url("/voice"))
        assert code == 1 and "11200" in lines[0]


class TestSimulate:
    async def test_an_application_is_walked(self, applications: Servers, tmp_path: Path) -> None:
        server = await applications(TOKEN)
        server.on("/voice", '<Response><Gather numDigits="1" action="/key"><Say>Press</Say></Gather></Response>')
        server.on("/key", '<Response><Dial action="/done">+15550001111</Dial></Response>')
        server.on("/done", "<Response><Hangup/></Response>")
        acts = file(tmp_path, "digits 5\ndial busy\n", "acts")
        arguments = ("simulate", server.url("/voice"), "--script", acts, "--token", TOKEN, "--answers")
        code, out, _ = await asyncio.to_thread(invoke, *arguments)
        assert code == 0
        assert [request.path for request in server.requests] == ["/voice", "/key", "/done"]
        assert all(request.signed for request in server.requests)
        assert server.requests[1].form["Digits"] == "5" and server.requests[2].form["DialCallStatus"] == "busy"
        steps = [line.split(" s  ", 1)[1] for line in out.splitlines()]
        assert [step for step in steps if step.startswith("<")] == ["<Gather>", "<Dial>", "<Hangup>"]
        assert "    Digits=5" in steps and "  dials +15550001111" in steps
        assert "    | <Response><Hangup/></Response>" in steps
        assert steps[-1] == "the call has ended: completed"

    async def test_a_failure_ends_with_1(self, applications: Servers) -> None:
        server = await applications(TOKEN)
        server.on("/voice", Answer(status=500))
        server.on("/fallback", "<Response><Say>Sorry</Say></Response>")
        code, out, _ = await asyncio.to_thread(invoke, "simulate", server.url("/voice"))
        assert code == 1 and "failure code=11200" in out
        arguments = ("simulate", server.url("/voice"), "--fallback", server.url("/fallback"))
        code, out, _ = await asyncio.to_thread(invoke, *arguments)
        assert code == 0 and "says 'Sorry'" in out and "ErrorCode=11200" in out

    def test_a_file(self, tmp_path: Path) -> None:
        name = file(tmp_path, "<Response><Gather/><Say>None</Say></Response>")
        code, out, _ = invoke("simulate", name, "--digits", "")
        assert code == 0 and "says 'None'" in out

    def test_acts_that_are_not_reached(self, tmp_path: Path) -> None:
        name = file(tmp_path, "<Response><Say>x</Say></Response>")
        code, out, _ = invoke("simulate", name, "--digits", "1,2")
        assert code == 1 and out.splitlines()[-2:] == ["not reached: digits 1", "not reached: digits 2"]

    def test_no_such_method(self, tmp_path: Path) -> None:
        for command in ("simulate", "lint"):
            code, _, lines = invoke(command, "http://127.0.0.1:1/", "--method", "PUT")
            assert (code, lines) == (1, ["callwright: --method: PUT is neither GET nor POST"])

    def test_a_script_that_is_none(self, tmp_path: Path) -> None:
        name, acts = file(tmp_path, "<Response/>"), file(tmp_path, "sing\n", "acts")
        code, _, lines = invoke("simulate", name, "--script", acts)
        assert code == 1 and lines[0].startswith("callwright: line 1: 'sing': ")
        assert invoke("simulate", str(tmp_path / "none.xml"))[0] == 1
