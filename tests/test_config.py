"""Configuration: the shipped file is the defaults, every fault names its key, the environment overrides."""

import re
import tomllib
from pathlib import Path

import pytest

from callwright.config import DEMO_ACCOUNT, Config, load, validate
from callwright.errors import ConfigError

SHIPPED = Path(__file__).parents[1] / "config" / "callwright.toml"
ACCOUNT = {"sid": DEMO_ACCOUNT}
PAIR = {"certificate": "a.pem", "private_key": "b.pem"}


def faults(raw: dict[str, object]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        validate(raw)
    return caught.value.faults


def test_shipped_file_is_the_defaults() -> None:
    assert load(SHIPPED, {}) == load(None, {})


def uncommented(text: str) -> str:
    """The file with its examples, tables that there are none of by default, in force."""
    return re.sub(r"^# (?=\[\[|\w+ = )", "", text, flags=re.MULTILINE)


AGREED = """
[server]
data_dir = "var"
public_url = "http://127.0.0.1:8080"
[http]
listen = "127.0.0.1:8080"
certificate = ""
private_key = ""
[sip]
listen = ["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"]
domain = "127.0.0.1"
[media]
address = "127.0.0.1"
rtp_ports = [20000, 29999]
clock_rate = 16000
[outbound_http]
allow_private = true
[limits]
api_concurrency = 100
api_queue_ms = 250
calls_per_second = 10
concurrent_calls = 1000
[[account]]
sid = "AC00000000000000000000000000000001"
auth_token = "a-token-of-some-length"
friendly_name = "Main"
[[number]]
number = "+15550001000"
account = "AC00000000000000000000000000000001"
voice_url = "http://127.0.0.1:9000/voice"
voice_method = "POST"
voice_fallback_url = "http://127.0.0.1:9000/fallback"
status_callback = "http://127.0.0.1:9000/status"
[[trunk]]
name = "carrier"
account = "AC00000000000000000000000000000001"
allow = ["127.0.0.0/8"]
targets = ["sip:127.0.0.1:5180"]
prefixes = ["+"]
register = { server = "carrier.example:5070", username = "us", password = "secret" }
max_calls = 1000
calls_per_second = 50
[[user]]
name = "alice"
password = "a password"
account = "AC00000000000000000000000000000001"
voice_url = "http://127.0.0.1:9000/alice"
"""
"""What files everywhere say: these keys keep their names."""


def test_the_agreed_file_is_taken() -> None:
    config = validate(tomllib.loads(AGREED))
    assert config.trunk[0].registration.registrar == "sip:carrier.example:5070"
    assert (config.limits.api_concurrency, config.limits.api_queue_ms) == (100, 250)


def test_shipped_file_has_every_key() -> None:
    raw = tomllib.loads(uncommented(SHIPPED.read_text()))
    for section, field in Config.model_fields.items():
        shown = raw[section] if isinstance(raw[section], dict) else raw[section][0]
        annotation = field.annotation
        model = annotation if hasattr(annotation, "model_fields") else annotation.__args__[0]  # type: ignore[union-attr]  # of tuple[X, ...]
        keys = {field.alias or name for name, field in model.model_fields.items()}
        missing = keys - set(shown) - {"calls_per_second", "concurrent_calls", "api_concurrency", "api_queue_ms"}
        assert not missing, f"{section}: {missing} not in {SHIPPED.name}"


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ({"server": {"nonsense": 1}}, "server.nonsense: unknown key"),
        ({"nonsense": {}}, "nonsense: unknown key"),
        ({"http": {"listen": "8080"}}, 'http.listen: must be "address:port"'),
        ({"http": {"certificate": "a.pem"}}, "http: certificate and private_key go together"),
        ({"sip": {"listen": ["sctp:127.0.0.1:5060"]}}, 'sip.listen.0: must begin with "udp:", "tcp:" or "tls:"'),
        (
            {"sip": {"listen": ["tls:127.0.0.1:5061"]}},
            "sip.listen.0: a tls: entry needs sip.certificate and sip.private_key, or its own",
        ),
        ({"sip": {"certificate": "a.pem"}}, "sip.certificate: certificate and private_key go together"),
        (
            {"sip": {"listen": [{"address": "tls:127.0.0.1:5061", "certificate": "a.pem"}]}},
            "sip.listen.0.certificate: certificate and private_key go together",
        ),
        (
            {"sip": {"listen": ["tls:[::]:5061"], **PAIR, "verify_client": True}},
            "sip.listen.0: verify_client needs sip.ca, or a ca of its own",
        ),
        (
            {"sip": {"listen": [{"address": "udp:127.0.0.1:5060", "ca": "a.pem"}]}},
            "sip.listen.0: only a tls: entry has certificates",
        ),
        ({"sip": {"listen": [{"address": "tls:here:1"}]}}, "sip.listen.0.address: 'here' does not appear to be"),
        ({"sip": {"session_expires": 90, "min_session_expires": 120}}, "sip.session_expires: must be 0, or at least"),
        ({"sip": {"min_session_expires": 60}}, "sip.min_session_expires: Input should be greater than or equal to 90"),
        ({"media": {"codecs": ["PCMX"]}}, "media.codecs: 'PCMX' is no codec; there are PCMU"),
        ({"media": {"codecs": ["PCMU", "pcmu"]}}, "media.codecs: a codec stands twice"),
        ({"media": {"codecs": []}}, "media.codecs: Tuple should have at least 1 item"),
        ({"media": {"ptime": 7}}, "media.ptime: Input should be 10, 20, 30, 40, 50 or 60"),
        ({"media": {"opus_bitrate": 100}}, "media.opus_bitrate: must be 0, or 6000 to 510000"),
        ({"media": {"opus_complexity": 11}}, "media.opus_complexity: Input should be less than or equal to 10"),
        ({"media": {"address6": "127.0.0.1"}}, "media.address6: must be an IPv6 address"),
        ({"media": {"address": "::1", "address6": "::1"}}, "media.address6: media.address is an IPv6 address already"),
        ({"media": {"advertise": "example.com"}}, "media.advertise: 'example.com' does not appear to be"),
        ({"media": {"advertise": "0.0.0.0"}}, "media.advertise: must be an address that peers can reach"),
        ({"media": {"inside": ["10.0.0.0/33"]}}, "media.inside.0: '10.0.0.0/33' does not appear to be"),
        (
            {"sip": {"listen": [{"address": "udp:127.0.0.1:5060", "advertise": "::"}]}},
            "sip.listen.0.advertise: must be an address that peers can reach",
        ),
        *[
            ({"sip": {"listen": ["udp:127.0.0.1:5061", {"address": "udp:127.0.0.1:5060", **entry}]}}, fault)
            for entry, fault in (
                ({"media": "here"}, "sip.listen.1.media: 'here' does not appear to be an IPv4 or IPv6 address"),
                ({"media": "::1"}, "sip.listen.1.media: must be of the family of the entry's address"),
                ({"media_advertise": "::"}, "sip.listen.1.media_advertise: must be an address that peers can reach"),
            )
        ],
        ({"media": {"address": "here"}}, "media.address: 'here' does not appear to be an IPv4 or IPv6 address"),
        ({"media": {"address": ""}}, "media.address: '' does not appear to be an IPv4 or IPv6 address"),
        ({"media": {"address": "::", "address6": "::"}}, "media.address6: media.address is an IPv6 address already"),
        ({"media": {"clock_rate": 44100}}, "media.clock_rate: Input should be 8000, 16000, 32000 or 48000"),
        (
            {"media": {"rtp_ports": [30000, 20000]}},
            "media: rtp_ports must be [low, high] with 1024 <= low < high <= 65535",
        ),
        (
            {"server": {"public_url": "http://x:99999"}},
            "server: public_url must be http://host[:port] or https://host[:port], without a path",
        ),
        (
            {"account": [ACCOUNT], "number": [{"number": "1", "account": DEMO_ACCOUNT, "voice_url": "http://x:0x1/"}]},
            "number.0.voice_url: must be an http:// or https:// URL, or a path below server.public_url",
        ),
        (
            {"account": [ACCOUNT], "trunk": [{"name": "a", "account": DEMO_ACCOUNT, "targets": ["sip:"]}]},
            "trunk.0.targets.0.uri: must be a sip: or sips: URI",
        ),
        *[
            (
                {"account": [ACCOUNT], "trunk": [{"name": "a", "account": DEMO_ACCOUNT, **trunk}]},
                f"trunk.0.{fault}",
            )
            for trunk, fault in (
                ({"srtp": "maybe"}, "srtp: Input should be 'off', 'optional' or 'required'"),
                ({"srtp_keying": "zrtp"}, "srtp_keying: Input should be 'sdes' or 'dtls'"),
                ({"reliable": "yes"}, "reliable: Input should be 'off', 'supported' or 'required'"),
                ({"session_timer": "never"}, "session_timer: Input should be a valid boolean"),
                ({"codecs": ["MP3"]}, "codecs: 'MP3' is no codec"),
                ({"transport": "ws"}, "transport: Input should be '', 'udp', 'tcp' or 'tls'"),
                ({"targets": ["sips:gateway"]}, "targets: TLS needs a tls: entry in sip.listen"),
                ({"targets": ["sip:gateway"], "transport": "tls"}, "targets: TLS needs a tls: entry in sip.listen"),
            )
        ],
        *[
            ({"account": [ACCOUNT], "trunk": [{"name": "a", "account": DEMO_ACCOUNT, **trunk}]}, f"trunk.0{fault}")
            for trunk, fault in (
                ({"stir_sign": "policy"}, ": stir_sign needs stir_private_key, and stir_x5u"),
                ({"stir_x5u": "http://a/<b>"}, ": stir_x5u must be of printable ASCII without"),
                ({"stir_verify": True}, ".stir_verify: needs sip.stir_roots, whose authorities are trusted"),
                ({"max_spend_day": 1}, ".max_spend_day: needs [[rate]]"),
            )
        ],
        ({"account": [{**ACCOUNT, "max_spend_day": 5}]}, "account.0.max_spend_day: needs [[rate]], which says what a"),
        ({"account": [{**ACCOUNT, "deny_prefixes": ["x"]}]}, "account.0.deny_prefixes.0: String should match pattern"),
        ({"account": [ACCOUNT], "rate": [{"prefix": "+1"}]}, "rate.0.per_minute: is missing"),
        (
            {"account": [ACCOUNT], "rate": [{"prefix": "+1", "per_minute": 1}] * 2},
            "rate.1.prefix: +1 is declared twice",
        ),
        ({"account": [{"sid": "AC1"}]}, 'account.0.sid: must be "AC" and 32 lower-case hexadecimal digits'),
        (
            {"account": [ACCOUNT], "number": [{"number": "1", "account": DEMO_ACCOUNT}]},
            "number.0: exactly one of voice_url and twiml must be set",
        ),
        (
            {"account": [ACCOUNT], "trunk": [{"name": "a", "account": "AC" + "9" * 32}]},
            f"trunk.0.account: no [[account]] has the sid AC{'9' * 32}",
        ),
        *[
            (
                {"account": [{**ACCOUNT, "last_resort": wrong}]},
                'account.0.last_resort: must be "apology", "reject", a telephone number, or a sip: URI',
            )
            for wrong in ("", "silence", "http://x/", "+1 555 000 1111", "sip:", "12")
        ],
        (
            {"outbound_http": {"breaker_probes": 0}},
            "outbound_http.breaker_probes: Input should be greater than or equal",
        ),
        ({"server": {"alert_days": 0}}, "server.alert_days: Input should be greater than or equal to 1"),
        ({"account": [ACCOUNT, ACCOUNT]}, f"account.1.sid: {DEMO_ACCOUNT} is declared twice"),
        (
            {"account": [ACCOUNT], "trunk": [{"name": "a", "account": DEMO_ACCOUNT, "allow": ["10.0.0.0/33"]}]},
            "trunk.0.allow.0: '10.0.0.0/33' does not appear to be an IPv4 or IPv6 network",
        ),
        ({"account": [{}]}, "account.0.sid: is missing"),
        ({"account": ACCOUNT}, "account: must be written [[account]], once for each"),
        ({"server": {"data_dir": 5}}, "server.data_dir: must be a path, in quotes"),
        ({"server": 5}, "server: must be a table of keys"),
        ({"sip": {"listen": "udp:127.0.0.1:5060"}}, "sip.listen: must be a list, in brackets: [...]"),
        *[
            (
                {"sip": {"listen": [{"address": "udp:127.0.0.1:5060", "media": address}]}},
                "sip.listen.0.media: must be an address of this machine: callers send their sound to it",
            )
            for address in ("0.0.0.0", "::")
        ],
    ],
)
def test_fault_names_its_key(raw: dict[str, object], fault: str) -> None:
    assert any(line.startswith(fault) for line in faults(raw)), faults(raw)


def test_source_of_two_trunks() -> None:
    """The number that is called decides: the engine answers the offer before, so its rules must be the same."""
    other = "AC" + "2" * 32
    trunks = [
        {"name": "a", "account": DEMO_ACCOUNT, "allow": ["192.0.2.0/24", "198.51.100.1", "Sip.example"]},
        {"name": "b", "account": DEMO_ACCOUNT, "allow": ["192.0.2.0/24"]},
        {"name": "c", "account": other, "allow": ["192.0.2.128/25", "198.51.100.1/32", "sip.example"]},
    ]
    config = {"account": [ACCOUNT, {"sid": other}], "trunk": trunks}
    assert [trunk.name for trunk in validate(config).trunk] == ["a", "b", "c"]
    trunks[2] |= {"srtp": "required", "codecs": ["PCMA"]}
    assert faults(config) == (
        "trunk.2.allow.1: 198.51.100.1/32 is trunk a's too, with another codecs, srtp",
        "trunk.2.allow.2: sip.example is trunk a's too, with another codecs, srtp",
    )


@pytest.mark.parametrize(
    ("users", "fault"),
    [
        ([{"username": "x", "password": "1"}] * 2, "trunk.0.users.1.username: x is trunk t's already"),
        ([{"username": "alice", "password": "1"}], "trunk.0.users.0.username: alice is a [[user]]'s already"),
        ([{"username": "x", "password": ""}], "trunk.0.users.0.password: "),
        ([{"username": 'x"y', "password": "1"}], "trunk.0.users.0.username: "),
    ],
)
def test_faults_of_a_trunks_users(users: list[dict[str, str]], fault: str) -> None:
    alice = {"name": "alice", "account": DEMO_ACCOUNT, "password": "a"}
    trunk = {"name": "t", "account": DEMO_ACCOUNT, "users": users}
    (told,) = faults({"account": [ACCOUNT], "user": [alice], "trunk": [trunk]})
    assert told.startswith(fault)


@pytest.mark.parametrize(
    ("domain", "fault"),
    [
        ({"certificate": "c.pem"}, "domain.0.certificate: certificate and private_key go together"),
        ({"private_key": "k.pem"}, "domain.0.certificate: certificate and private_key go together"),
        ({"certificate": "c.pem", "private_key": "k.pem"}, "domain.0.certificate: TLS needs a tls: entry"),
        ({"srtp": "always"}, "domain.0.srtp: "),
        ({"srtp_keying": ""}, "domain.0.srtp_keying: "),
    ],
)
def test_faults_of_a_domains_secrets(domain: dict[str, str], fault: str) -> None:
    table = {"name": "two.example", "account": DEMO_ACCOUNT}
    told = faults({"account": [ACCOUNT], "domain": [table | domain]})
    assert any(line.startswith(fault) for line in told), told


@pytest.mark.parametrize(
    ("http", "url"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"listen": "192.0.2.1:80"}, "http://192.0.2.1:80"),
        ({"listen": "0.0.0.0:8090"}, "http://127.0.0.1:8090"),
        ({"listen": "[::1]:443", "certificate": "a.pem", "private_key": "b.pem"}, "https://[::1]:443"),
    ],
)
def test_without_a_public_url_it_is_where_http_listens(http: dict[str, str], url: str) -> None:
    """Who moves the port moves the demonstration, and what webhooks name, with it."""
    config = validate({"server": {"public_url": ""}, "http": http})
    assert (config.server.public_url, config.absolute("/demo/voice")) == (url, f"{url}/demo/voice")
    named = validate({"server": {"public_url": "https://voice.example"}, "http": http})
    assert named.server.public_url == "https://voice.example"


def test_list_of_wrong_entries_is_not_too_short() -> None:
    assert faults({"sip": {"listen": ["sctp:127.0.0.1:5060"]}}) == (
        'sip.listen.0: must begin with "udp:", "tcp:" or "tls:"',
    )
    assert "at least 1 item" in faults({"sip": {"listen": []}})[0]


def test_every_fault_is_told() -> None:
    assert len(faults({"server": {"a": 1, "b": 2}, "limits": {"legs": 0}})) == 3


def test_environment_overrides() -> None:
    config = load(
        None,
        {
            "CALLWRIGHT_SIP__LISTEN": '["udp:127.0.0.1:5070"]',
            "CALLWRIGHT_SERVER__LOG_LEVEL": "DEBUG",
            "CALLWRIGHT_LIMITS__LEGS": "7",
            "HOME": "/root",
        },
    )
    assert [entry.address for entry in config.sip.listen] == ["udp:127.0.0.1:5070"]
    assert (config.server.log_level, config.limits.legs) == ("DEBUG", 7)


def test_environment_faults_name_the_key() -> None:
    with pytest.raises(ConfigError, match=r"server\.nope: unknown key"):
        load(None, {"CALLWRIGHT_SERVER__NOPE": "1"})


def test_tables_cannot_be_overridden(tmp_path: Path) -> None:
    file = tmp_path / "callwright.toml"
    file.write_text(f'[[account]]\nsid = "{DEMO_ACCOUNT}"\n')
    with pytest.raises(ConfigError, match=r"account\.sid: .*cannot override a list"):
        load(file, {"CALLWRIGHT_ACCOUNT__SID": "x"})


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "none.toml", {})
    broken = tmp_path / "broken.toml"
    broken.write_text("[server\n")
    with pytest.raises(ConfigError, match="not TOML"):
        load(broken, {})


def test_paths_are_the_daemons_own() -> None:
    config = load(None, {"CALLWRIGHT_SERVER__PUBLIC_URL": "http://127.0.0.1:9999"})
    assert config.absolute(config.number[0].voice_url) == "http://127.0.0.1:9999/demo/voice"
    assert config.trusted_origins() == {"http://127.0.0.1:9999"}


def test_bare_targets_keep_their_order() -> None:
    trunk = {"name": "a", "account": DEMO_ACCOUNT, "targets": ["sip:b:5060", "sip:a:5060"]}
    config = validate({"account": [ACCOUNT], "trunk": [trunk]})
    assert [(t.uri, t.priority) for t in config.trunk[0].targets] == [("sip:b:5060", 10), ("sip:a:5060", 11)]


def test_secrets_are_not_shown() -> None:
    config = validate({"account": [{**ACCOUNT, "auth_token": "hunter2"}]})
    assert "hunter2" not in repr(config)


GW = {"name": "gw", "account": DEMO_ACCOUNT, "targets": ["sip:gw.example"]}
EMPTY = {"name": "empty", "account": DEMO_ACCOUNT}
OTHER = "AC" + "9" * 32


@pytest.mark.parametrize(
    ("route", "fault"),
    [
        ({"trunks": ["nobody"]}, "route.0.trunks.0: no [[trunk]] has the name nobody"),
        ({"trunks": ["gw", "empty"]}, "route.0.trunks.1: trunk empty has no targets"),
        ({"trunks": []}, "route.0.trunks: Tuple should have at least 1 item after validation, not 0"),
        ({"trunks": ["gw"], "account": OTHER}, "route.0.trunks.0: trunk gw is another account's"),
        ({"trunks": ["gw"], "account": "AC" + "8" * 32}, f"route.0.account: no [[account]] has the sid AC{'8' * 32}"),
    ],
)
def test_routes_that_lead_nowhere(route: dict[str, object], fault: str) -> None:
    accounts = [ACCOUNT, {"sid": OTHER}]
    assert fault in faults({"account": accounts, "trunk": [GW, EMPTY], "route": [{"prefix": "+1", **route}]})


def test_a_route_twice() -> None:
    routes = [{"prefix": "+1", "trunks": ["gw"]}, {"prefix": "+1", "trunks": ["gw"]}]
    raw = {"account": [ACCOUNT], "trunk": [GW], "route": routes}
    assert faults(raw) == ("route.1.prefix: '+1' is declared twice",)
    assert validate({**raw, "route": [routes[0], {**routes[1], "account": DEMO_ACCOUNT}]}).route


@pytest.mark.parametrize(
    ("registration", "fault"),
    [
        ({"server": "carrier example"}, "trunk.0.register.server"),
        (
            {"server": "sip:me@carrier.example"},
            "trunk.0.register.server: must be a sip: or sips: URI without",
        ),
        ({"server": "sip:carrier.example"}, "trunk.0: register needs a username, its own or the trunk's"),
        ({"server": "sip:carrier.example", "username": "a b"}, "trunk.0.register.username"),
    ],
)
def test_registrations_that_cannot_be(registration: dict[str, str], fault: str) -> None:
    found = faults({"account": [ACCOUNT], "trunk": [{**GW, "register": registration}]})
    assert any(one.startswith(fault) for one in found), found


@pytest.mark.parametrize(
    ("registrar", "transport", "by_tls"),
    [
        ("sips:carrier.example", "", True),
        ("sip:carrier.example;transport=TLS", "", True),
        ("sip:carrier.example", "tls", True),
        ("sip:carrier.example;transport=tcp", "tls", False),
        ("sip:carrier.example", "", False),
        ("", "tls", False),
    ],
)
def test_a_registration_over_tls_needs_a_listener(registrar: str, transport: str, by_tls: bool) -> None:
    registration = {"server": registrar, "username": "line1"}
    trunk = {"name": "gw", "account": DEMO_ACCOUNT, "transport": transport, "register": registration}
    raw = {"account": [ACCOUNT], "trunk": [trunk]}
    if by_tls:
        assert faults(raw) == ("trunk.0.register: TLS needs a tls: entry in sip.listen",)
    else:
        assert validate(raw).trunk[0].registration.registrar == registrar
