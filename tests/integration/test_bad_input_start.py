"""What stops a start: each wrong setting and each missing thing is one line with its key, exit code 1, no traceback."""

import os
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.harness.daemon import ACCOUNT, TOKEN
from tests.harness.ports import daemon_address, free_port

from .commands import Ended, callwright, program, written

pytestmark = pytest.mark.integration

SHIPPED = Path(__file__).parents[2] / "config" / "callwright.toml"

# faults of single keys, all told at once
FIELDS: dict[str, Any] = {
    "server": {"log_level": "LOUD", "drain_seconds": -1, "frobnicate": 1},
    "http": {"listen": "localhost"},
    "sip": {"listen": ["sctp:127.0.0.1:5061"], "requests_per_second": 0},
    "media": {"address": "here", "clock_rate": 44100},
    "speech": {"concurrency": 0},
    "outbound_http": {"total_timeout_ms": 1},
    "limits": {"legs": 0, "calls_per_second": "many"},
    "account": [{"sid": "AC1", "auth_token": 987654321}],
    "number": [{"number": "+1 555", "account": ACCOUNT, "voice_url": "gopher://x"}],
    "trunk": [{"name": "a b", "account": ACCOUNT, "allow": ["300.0.0.0/8"], "targets": ["tel:+1"]}],
    "frob": {"key": 1},
}
FIELD_KEYS = (
    "server.log_level", "server.drain_seconds", "server.frobnicate", "http.listen", "sip.listen.0",
    "sip.requests_per_second", "media.address", "media.clock_rate", "speech.concurrency",
    "outbound_http.total_timeout_ms", "limits.legs", "limits.calls_per_second", "account.0.sid",
    "account.0.auth_token", "number.0.number", "number.0.voice_url", "trunk.0.name", "trunk.0.allow.0",
    "trunk.0.targets.0.uri", "frob",
)  # fmt: skip

# faults of keys that do not go together
SECTIONS: dict[str, Any] = {
    "server": {"public_url": "http://127.0.0.1/with/a/path"},
    "http": {"certificate": "cert.pem"},
    "media": {"rtp_ports": [30000, 20000]},
    "account": [{"sid": ACCOUNT}],
    "number": [{"number": "1000", "account": ACCOUNT}],
}
SECTION_KEYS = ("server", "http", "media", "number.0")

# faults between tables
REFERENCES: dict[str, Any] = {
    "account": [{"sid": ACCOUNT}, {"sid": ACCOUNT}],
    "number": [
        {"number": n, "account": a, "twiml": "<Response/>"} for n, a in (("1", ACCOUNT), ("1", "AC" + "f" * 32))
    ],
    "trunk": [{"name": "one", "account": ACCOUNT}, {"name": "one", "account": ACCOUNT}],
}
REFERENCE_KEYS = ("account.1.sid", "number.1.account", "number.1.number", "trunk.1.name")


def good(**sections: Any) -> dict[str, Any]:
    """A configuration that would start, on free ports."""
    host = daemon_address()
    http, sip = free_port(host), free_port(host)
    config: dict[str, Any] = {
        "server": {"public_url": f"http://{host}:{http}"},
        "http": {"listen": f"{host}:{http}"},
        "sip": {"listen": [f"udp:{host}:{sip}", f"tcp:{host}:{sip}"], "domain": host},
        "media": {"address": host},
    }
    for name, keys in sections.items():
        config.setdefault(name, {}).update(keys)
    return config | {"account": [{"sid": ACCOUNT, "auth_token": TOKEN}]}


async def served(directory: Path, config: dict[str, Any], **options: Any) -> Ended:
    """`callwright serve`, which has to end by itself."""
    file = written(directory, config)
    return await callwright("serve", "--config", file, "--data", directory / "data", **options)


@pytest.mark.parametrize("command", ["check-config", "serve"])
@pytest.mark.parametrize(
    ("config", "keys"),
    [(FIELDS, FIELD_KEYS), (SECTIONS, SECTION_KEYS), (REFERENCES, REFERENCE_KEYS)],
    ids=["fields", "sections", "references"],
)
async def test_every_fault_with_its_key(
    tmp_path: Path, command: str, config: dict[str, Any], keys: tuple[str, ...]
) -> None:
    """One line a fault, each beginning with its key path; nothing else, and no secret."""
    file = written(tmp_path, config)
    ended = await callwright(command, *(["--config"] if command == "serve" else []), file)
    found = [line.removeprefix("callwright: ").partition(":")[0] for line in ended.err]
    assert (ended.code, sorted(found)) == (1, sorted(keys)), ended.err
    assert all(line.startswith("callwright: ") and len(line) > 20 for line in ended.err)
    assert not any("987654321" in line for line in ended.err)
    assert not (tmp_path / "var").exists()


async def test_what_is_no_toml(tmp_path: Path) -> None:
    """The line of the fault is told."""
    file = tmp_path / "broken.toml"
    file.write_text("[server]\nlog_level = \n")
    (await callwright("check-config", file)).refuses("broken.toml", "not TOML", "line 2")


async def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Both commands name it."""
    for arguments in (["check-config", "none.toml"], ["serve", "--config", "none.toml"]):
        (await callwright(*arguments)).refuses("none.toml", "No such file")


async def test_overrides_of_the_environment(tmp_path: Path) -> None:
    """A wrong override is named like a wrong key of the file; a good one makes a wrong file good."""
    file = written(tmp_path, good())
    ended = await callwright("check-config", file, environment={"CALLWRIGHT_SIP__BACKLOG": "0"})
    ended.refuses("sip.backlog")
    ended = await callwright("check-config", file, environment={"CALLWRIGHT_NUMBER__NUMBER": "x"})
    assert ended.code == 1
    wrong = written(tmp_path, good(server={"log_level": "LOUD"}), "wrong.toml")
    ended = await callwright("check-config", wrong, environment={"CALLWRIGHT_SERVER__LOG_LEVEL": "ERROR"})
    assert ended.code == 0


async def test_good_files(tmp_path: Path) -> None:
    """check-config of the shipped file and of another: one line on standard output that counts what it declares."""
    ended = await callwright("check-config", SHIPPED)
    assert (ended.code, ended.err) == (0, [])
    assert ended.out == [f"{SHIPPED}: good (1 accounts, 1 numbers, 1 trunks)"]
    file = written(tmp_path, good())
    ended = await callwright("check-config", file)
    assert (ended.code, ended.out) == (0, [f"{file}: good (1 accounts, 0 numbers, 0 trunks)"])


async def test_a_speech_model_that_is_not_there(tmp_path: Path) -> None:
    """The key, the directory, and which files belong there."""
    missing = tmp_path / "model"
    ended = await served(tmp_path, good(speech={"recognition_model": str(missing)}))
    ended.refuses("speech.recognition_model", str(missing), "*.dict")


@pytest.mark.parametrize(("taken", "key"), [("udp", "sip.listen"), ("tcp", "sip.listen"), ("http", "http.listen")])
async def test_a_port_in_use(tmp_path: Path, taken: str, key: str) -> None:
    """Somebody else listens there: the key, the address, and that it is in use."""
    config = good()
    address = config["http"]["listen"] if taken == "http" else config["sip"]["listen"][0].removeprefix("udp:")
    host, _, port = address.rpartition(":")
    kind = socket.SOCK_DGRAM if taken == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind((host, int(port)))
        if kind == socket.SOCK_STREAM:
            other.listen()
        ended = await served(tmp_path, config)
    ended.refuses(key, f"{host}:{port}")
    assert "in use" in ended.err[-1] or "another program listens there" in ended.err[-1]


async def test_an_address_of_another_machine(tmp_path: Path) -> None:
    """An address that this machine does not have."""
    ended = await served(tmp_path, good(sip={"listen": ["udp:192.0.2.1:5060"]}))
    ended.refuses("sip.listen", "192.0.2.1:5060")
    ended = await served(tmp_path, good(http={"listen": "192.0.2.1:8080"}))
    ended.refuses("http.listen", "192.0.2.1:8080")
    ended = await served(tmp_path, good(media={"address": "192.0.2.1"}))
    ended.refuses("media.address", "192.0.2.1 is not an address of this machine")


async def test_no_speech_program(tmp_path: Path) -> None:
    """speech.command points nowhere, or nothing of that name is on the path: what to install."""
    ended = await served(tmp_path, good(speech={"command": str(tmp_path / "espeak-ng")}))
    ended.refuses("speech", str(tmp_path / "espeak-ng"), "apt-get install espeak-ng")
    ended = await served(tmp_path, good(), environment={"PATH": str(tmp_path)})
    ended.refuses("speech", "espeak-ng", "apt-get install espeak-ng")


async def test_a_speech_program_that_is_another(tmp_path: Path) -> None:
    """A command that runs but does not speak."""
    ended = await served(tmp_path, good(speech={"command": shutil.which("true")}))
    ended.refuses("speech")


async def test_a_data_directory_that_cannot_be_written(tmp_path: Path) -> None:
    """Missing rights. Root has them all: then the command runs without the capability to override them."""
    sealed = tmp_path / "sealed"
    sealed.mkdir(mode=0o555)
    prefix = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    file = written(tmp_path, good())
    ended = await callwright("serve", "--config", file, "--data", sealed / "data", prefix=prefix)
    ended.refuses("server.data_dir", str(sealed / "data"), "Permission denied")


async def test_a_data_directory_that_is_a_file(tmp_path: Path) -> None:
    """The path is taken by something else."""
    (tmp_path / "data").write_text("")
    (await served(tmp_path, good())).refuses("server.data_dir", str(tmp_path / "data"))


async def test_a_database_that_is_none(tmp_path: Path) -> None:
    """A damaged database stops the start with a line that names it, and is left as it is."""
    (tmp_path / "data").mkdir()
    database = tmp_path / "data" / "callwright.db"
    database.write_bytes(b"this is no database " * 100)
    (await served(tmp_path, good())).refuses("callwright.db")
    assert database.read_bytes() == b"this is no database " * 100


async def test_a_certificate_that_is_none(tmp_path: Path) -> None:
    """HTTPS with files that are missing or no certificates."""
    files = {"certificate": str(tmp_path / "cert.pem"), "private_key": str(tmp_path / "key.pem")}
    (await served(tmp_path, good(http=files))).refuses("http", "cert.pem")
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("-----BEGIN NONSENSE-----\n")
    (await served(tmp_path, good(http=files))).refuses("http", "cert.pem")


async def test_an_unknown_command() -> None:
    """The command line's own complaint, without a traceback."""
    ended = await callwright("frobnicate")
    assert ended.code == 2 and not any("Traceback" in line for line in ended.err)


@pytest.mark.parametrize("command", [["serve"], ["demo"], ["doctor"]])
async def test_an_engine_that_is_not_built(tmp_path: Path, command: list[str]) -> None:
    """A checkout without the compiled module: what to run, in one line."""
    bare = tmp_path / "callwright"
    shutil.copytree(Path(__file__).parents[2] / "src/callwright", bare, ignore=shutil.ignore_patterns("*.so", "*.cpp"))
    start = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.meta_path[:] = [f for f in sys.meta_path if "
    start += "not type(f).__module__.startswith('_editable')]; from callwright.__main__ import main; main()"
    ended = await program("-c", start, *command)
    ended.refuses("the engine cannot be loaded", "scripts/run --build-only")
