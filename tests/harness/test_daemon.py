"""The daemon's driver against a stand-in process that listens, logs and dies on demand."""

import tomllib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from .baseline import holdings
from .daemon import ACCOUNT, TOKEN, Daemon, toml
from .waiting import NotInTime

STAND_IN = """
import argparse, http.server, json, os, pathlib, signal, sys, tomllib, urllib.parse
options = argparse.ArgumentParser()
options.add_argument("command"); options.add_argument("--config"); options.add_argument("--data")
given = options.parse_args()
config = tomllib.loads(pathlib.Path(given.config).read_text())
mode = config["server"].get("mode", "")
data = pathlib.Path(given.data); data.mkdir(exist_ok=True)
starts = int((data / "starts").read_text()) + 1 if (data / "starts").exists() else 1
(data / "starts").write_text(str(starts))
print("INFO starting", starts, flush=True)
if mode == "dies": sys.exit(3)
if mode == "logs": print("ERROR something broke", flush=True)
class Handler(http.server.BaseHTTPRequestHandler):
    unready = 2
    def log_message(self, *args): pass
    def do_GET(self):
        status, body = 200, b'{"status": "ok"}'
        if self.path == "/health" and Handler.unready: Handler.unready -= 1; status = 503
        if self.path == "/metrics": body = b'# TYPE x gauge\\ncallwright_calls_live{a="b"} 2\\nlag_sum 3.25\\n'
        if self.path.startswith("/2010-04-01"):
            body = json.dumps({"path": self.path, "sid": "CA1", "host": self.headers["Host"],
                               "auth": bool(self.headers["Authorization"])}).encode()
        self.send_response(status); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
host, port = config["http"]["listen"].rsplit(":", 1)
def end(*_):
    print("INFO over", flush=True)
    os._exit(4 if mode == "bad exit" else 0)
signal.signal(signal.SIGTERM, end)
print("INFO ready", flush=True)
http.server.HTTPServer((host, int(port)), Handler).serve_forever()
"""
PROGRAM = ("-c", STAND_IN)
Daemons = Callable[..., Awaitable[Daemon]]


async def test_start_is_ready_only_with_health_and_stop_is_checked(daemon: Daemons) -> None:
    one = await daemon(program=PROGRAM, numbers=[{"number": "+1555", "voice_url": "http://x/"}])
    await one.logged("ready", timeout=1)
    assert await one.health() == {"status": "ok"}
    assert await one.metrics() == {'callwright_calls_live{a="b"}': 2, "lag_sum": 3}
    assert await one.native() == {'callwright_calls_live{a="b"}': 2}
    assert f"tcp {one.base_url.removeprefix('http://')} listening" in holdings(one.pid).sockets
    assert one.sip_uri("alice", "tcp") == f"sip:alice@{one.host}:{one.sip_port};transport=tcp"
    await one.stop()
    assert one.log[-1] == "INFO over"


async def test_the_vendors_client_is_sent_to_the_daemon(daemon: Daemons) -> None:
    one = await daemon(program=PROGRAM)
    fetched = await one.rest.do(
        lambda client: client.request("GET", "https://api.twilio.com/2010-04-01/Calls/CA1.json")
    )
    assert fetched.status_code == 200
    assert '"path": "/2010-04-01/Calls/CA1.json"' in fetched.text and '"auth": true' in fetched.text
    call = await one.rest.do(lambda client: client.calls("CA1").fetch())
    assert call.sid == "CA1"


async def test_kill_and_restart_keep_data_and_ports(daemon: Daemons) -> None:
    one = await daemon(program=PROGRAM)
    url = one.base_url
    await one.kill()
    assert one.process.returncode == -9
    await one.restart()
    assert (one.directory / "data" / "starts").read_text() == "2" and one.base_url == url
    await one.restart()
    assert (await one.health())["status"] == "ok"


async def test_a_daemon_that_dies_at_once_shows_its_log(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"ended with 3 before it was ready\ndaemon log:\nINFO starting 1"):
        await Daemon.start(tmp_path, program=PROGRAM, sections={"server": {"mode": "dies"}})


async def test_faults_in_the_log_and_bad_exits_fail_unless_allowed(tmp_path: Path) -> None:
    one = await Daemon.start(tmp_path, program=PROGRAM, sections={"server": {"mode": "logs"}})
    try:
        with pytest.raises(AssertionError, match="ERROR something broke"):
            await one.stop()
        one.allowed.append("something")
        await one.restart()
        await one.stop()
        one.config["server"]["mode"] = "bad exit"
        await one.restart()
        with pytest.raises(AssertionError, match="exit code 4"):
            await one.stop()
        with pytest.raises(NotInTime, match="'never said'"):
            await one.logged("never said", timeout=0.05)
    finally:
        await one.close()


async def test_the_configuration_is_toml_and_fills_in_the_account(daemon: Daemons) -> None:
    target = {"uri": "sip:127.0.0.1:5180", "priority": 1}
    one = await daemon(
        program=PROGRAM,
        numbers=[{"number": "+1", "twiml": '<Response a="b"/>\n'}],
        trunks=[{"name": "out", "targets": [target, "sip:h"], "calls_per_second": 1.5}],
        users=[{"name": "alice", "password": "p"}],
        sections={"limits": {"calls_per_second": 3}, "media": {"clock_rate": 8000}},
    )
    written = tomllib.loads((one.directory / "callwright.toml").read_text())
    assert written["account"] == [{"sid": ACCOUNT, "auth_token": TOKEN, "friendly_name": "Main"}]
    assert written["number"] == [{"account": ACCOUNT, "number": "+1", "twiml": '<Response a="b"/>\n'}]
    assert written["trunk"][0]["targets"] == [target, "sip:h"] and written["user"][0]["account"] == ACCOUNT
    assert written["limits"]["calls_per_second"] == 3 and written["media"]["clock_rate"] == 8000
    first, last = written["media"]["rtp_ports"]
    assert last - first == 399 and tomllib.loads(toml({"a": {"b": True, "c": []}})) == {"a": {"b": True, "c": []}}
