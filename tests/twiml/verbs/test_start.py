"""<Start> and <Stop> (call-control reference §1.9)."""

from typing import Any

import pytest

from callwright.calls.application import Hook
from callwright.calls.control import DialRecording, RecordingCallback
from callwright.errors import MediaError
from callwright.twiml.verbs import Start, Stop
from callwright.twiml.verbs.start import RECORDING
from tests.twiml.playbook import VOICE, Playbook, codes, document, fetch, op, speech, twiml
from tests.twiml.verbs.tables import Row, Table


def recording(verb: Any) -> DialRecording:
    assert isinstance(verb, Start)
    (found,) = verb.recordings
    return found


CALLBACK = RecordingCallback(Hook("http://app.example/cb"))
TABLE = Table(
    lambda attributes: f"<Start><Recording {attributes}/></Start>",
    [
        Row(
            "recordingStatusCallback",
            lambda verb: recording(verb).callback,
            {"/cb": CALLBACK},
            None,
            ["ftp://x"],
            13256,
        ),
        Row("recordingStatusCallbackMethod", lambda verb: recording(verb).callback, {"GET": None}, None, ["PUT"]),
        Row("recordingStatusCallbackEvent", lambda verb: recording(verb).callback, {"absent": None}, None, ["x"]),
        # trim | trim-silence, do-not-trim | do-not-trim
        Row("trim", lambda verb: recording(verb).trim, {"trim-silence": True, "do-not-trim": False}, False, ["x"]),
        # track | inbound, outbound, both | both
        Row("track", lambda verb: recording(verb).track, {"inbound": "inbound", "both": "both"}, "both", ["left"]),
        # channels | mono, dual | dual
        Row("channels", lambda verb: recording(verb).dual, {"mono": False, "dual": True}, True, ["3"]),
        Row("recordingConfigurationId", lambda verb: recording(verb).callback, {"RC1": None}, None, noted=12200),
    ],
)


@pytest.mark.parametrize(("row", "written", "value"), TABLE.good())
def test_good_values(row: Row, written: str, value: object) -> None:
    TABLE.check_good(row, written, value)


@pytest.mark.parametrize(("row", "written"), TABLE.bad())
def test_bad_values(row: Row, written: str) -> None:
    TABLE.check_bad(row, written)


def test_the_table_is_complete() -> None:
    TABLE.check_defaults()
    TABLE.check_complete(
        RECORDING,
        "recordingStatusCallback recordingStatusCallbackMethod recordingStatusCallbackEvent trim track channels "
        "recordingConfigurationId",
    )


async def test_a_recording_begins_and_ends_beside_the_verbs() -> None:
    callback = RecordingCallback(Hook("http://app.example/cb", "GET"), frozenset({"completed", "absent"}))
    book = Playbook(
        fetch(VOICE)
        >> twiml(
            "<Start><Recording recordingStatusCallback='/cb' recordingStatusCallbackMethod='GET' "
            "recordingStatusCallbackEvent='completed absent'/></Start><Say>Hello</Say><Stop><Recording/></Stop>"
        ),
        op("start_recording", DialRecording(dual=True, callback=callback)).taking(0),
        speech("Hello"),
        op("hangup"),
    )
    book.recording = True
    await book.play_out()
    assert ("stop_recording", {}) in book.notes and book.warnings == []


async def test_a_second_recording_is_said_and_the_document_goes_on() -> None:
    book = Playbook(
        fetch(VOICE) >> twiml("<Start><Recording/></Start><Say>Hello</Say>"),
        op("start_recording", DialRecording(dual=True)) >> MediaError("one goes on", code=16108),
        speech("Hello"),
        op("hangup"),
    )
    await book.play_out()
    assert book.warnings == [16108]


async def test_nothing_to_stop_is_said() -> None:
    book = Playbook(fetch(VOICE) >> twiml("<Stop><Recording/></Stop>"), op("hangup"))
    await book.play_out()
    assert book.warnings == [12200]


@pytest.mark.parametrize(
    ("inner", "warned"),
    [
        ("<Stream url='wss://a.example' name='x'><Parameter name='a' value='b'/></Stream>", [12200]),
        ("<Siprec connectorName='x'/>", [12200]),
        ("<Transcription languageCode='en-US'/>", [32650]),
        ("<Stream url='http://a.example'/>", [31922, 12200]),
        ("<Stream url='wss://a.example' track='left'/>", [31941, 12200]),
        ("<Transcription transcriptionEngine='x'/>", [32650, 32650]),
        ("<Say>x</Say>", [14300]),
        ("", [12200]),
    ],
)
@pytest.mark.parametrize("verb", ["Start", "Stop"])
def test_what_cannot_go_on_is_said(verb: str, inner: str, warned: list[int]) -> None:
    parsed = document(f"<{verb}>{inner}</{verb}>")
    assert (parsed.verbs, codes(parsed)) == ((), warned)


def test_an_action_has_no_effect() -> None:
    assert codes(document("<Start action='/a' method='PUT'><Recording/></Start>")) == [12200, 12200]
    assert document("<Stop><Recording/><Stream name='x'/></Stop>").verbs == (Stop(),)
