"""Who the engine lets in, and when that changes."""

from pathlib import Path
from typing import Any, cast

from callwright.config import validate
from callwright.engine import EventKind
from callwright.sip.access import STRANGERS, Access
from callwright.sip.credentials import Credential
from callwright.sip.domains import Domains
from callwright.sip.registrar import Registrar
from callwright.sip.roster import Roster
from callwright.sip.trunks import Trunks, declared
from callwright.sip.users import Users
from callwright.sip.vouching import declared as vouching
from callwright.store.directory import Directory
from callwright.store.store import Store
from tests.calls.fakes import ACCOUNT_SID, SETTINGS, Room
from tests.calls.jumping import turns
from tests.sip.test_domains import Hosting

REALM = "pbx.example"


class Gate:
    """An Access over a room's fake engine."""

    def __init__(self, room: Room, **sections: Any) -> None:
        config = validate(SETTINGS | {"sip": {"domain": REALM}} | sections)
        self.engine, self.endpoint = room.engine, room.endpoint
        self.hosting = Hosting()
        self.trunks = Trunks((declared(section) for section in config.trunk), realm=REALM)
        self.users = Users.of(config)
        registrar = Registrar(self.users, cast(Store, room.rows))
        self.users.host(self.hosting.domains)
        self.roster = Roster(vouching(config), lambda: 0.0)
        self.access = Access(config, room.endpoint, self.trunks, registrar, self.hosting.domains, self.roster)
        self.engine.commands.clear()

    def names(self) -> list[str]:
        """The commands about who is let in."""
        wanted = {"admit", "authenticate", "credentials", "add_credential", "remove_credential"}
        return [one.name for one in self.engine.commands if one.name in wanted]

    def sources(self) -> list[str]:
        """Those that were admitted last."""
        return list(self.engine.of("admit")[-1].values["sources"])


async def test_nobody_can_authenticate_until_somebody_can(room: Room) -> None:
    """A domain of the API is in force with the change that makes it."""
    gate = Gate(room)
    gate.access.open()
    assert gate.names() == ["admit"] and "REGISTER" not in room.endpoint.requests
    users = gate.hosting.credentials(("alice", "a"))
    gate.hosting.domain("office.example", registers=users)
    await turns()
    assert gate.names() == ["admit", "credentials", "authenticate"]
    assert gate.engine.of("credentials")[0].values["users"] == [Credential.of("alice", REALM, "a").as_tuple()]
    assert "REGISTER" in room.endpoint.requests
    assert gate.users.named("sip:alice@office.example") is not None and gate.users.is_local("sip:x@OFFICE.example")
    gate.hosting.domain("second.example", calls=gate.hosting.credentials(("bob", "b")))
    await turns()
    added = gate.engine.of("add_credential")
    assert [one.values["username"] for one in added] == ["bob"]
    gate.access.close()


async def test_what_is_gone_is_gone_at_once(room: Room) -> None:
    gate = Gate(room)
    hosting = gate.hosting
    domain = hosting.domain("office.example", calls=hosting.credentials(("alice", "a")), acl="")
    hosting.domain("open.example", acl=hosting.acl(("192.0.2.0", 24)))
    gate.access.open()
    assert gate.sources() == ["127.0.0.0/8", "192.0.2.0/24"]
    for kind in ("credential_list_mappings", "ip_acl_mappings"):
        for mapping in hosting.directory.all(kind):
            hosting.directory._remove(mapping)  # what `change` does, without a store
    await turns()
    assert gate.sources() == ["127.0.0.0/8"]
    assert [one.values["username"] for one in gate.engine.of("remove_credential")] == ["alice"]
    assert hosting.domains.caller(domain, "alice", REALM) is None
    gate.access.close()
    hosting.domain("late.example", acl=hosting.acl(("203.0.113.0", 24)))
    await turns()
    assert gate.sources() == ["127.0.0.0/8"], "closed"


async def test_a_trunks_users_prove_themselves(room: Room) -> None:
    trunk = {"name": "roaming", "account": ACCOUNT_SID, "users": [{"username": "pbx", "password": "secret"}]}
    gate = Gate(room, trunk=[trunk])
    gate.access.open()
    assert gate.names() == ["admit", "credentials", "authenticate"] and gate.sources() == []
    assert gate.engine.of("credentials")[0].values["users"] == [Credential.of("pbx", REALM, "secret").as_tuple()]
    assert [one.name for one in gate.trunks.of_user("pbx", REALM)] == ["roaming"]
    assert gate.trunks.of_user("pbx", "other.example") == gate.trunks.of_user("x", REALM) == ()
    gate.access.close()


async def test_a_domain_whose_users_an_application_knows(room: Room) -> None:
    """The engine holds its requests though there is no user at all; a name that the API gives somebody is theirs."""
    domain = {"name": REALM, "account": ACCOUNT_SID, "auth_url": "http://app.example/auth"}
    gate = Gate(room, domain=[domain])
    gate.access.open()
    assert gate.names() == ["admit", "credentials", "authenticate"]
    assert gate.engine.of("authenticate")[0].values["asking"] == (REALM,)
    facts = {"source_host": "", "source_port": 0, "transport": "", "call_id": "", "user_agent": ""}
    gate.engine.happen(EventKind.HELD, 7, text="REGISTER", user="alice", realm=REALM, **facts)
    await turns()
    [judged] = gate.engine.of("judge")
    assert judged.values == {"request": 7, "conclusive": False, "delay": 0.0}, "nobody can be asked yet"
    assert gate.roster.presume(f"alice@{REALM}") is not None
    gate.hosting.domain("office.example", registers=gate.hosting.credentials(("alice", "a")))
    await turns()
    assert gate.roster.taken(("alice", REALM)) and gate.roster.named("alice", REALM) is None
    gate.access.close()
    await gate.roster.close()


async def test_a_name_that_has_moved(room: Room) -> None:
    """The engine is told when the sources or what is agreed with them have changed, and else left alone."""
    trunk = {"name": "carrier", "account": ACCOUNT_SID, "allow": ["sip.carrier.example"], "codecs": ["PCMA"]}
    gate = Gate(room, trunk=[trunk])
    gate.access.open()
    assert gate.sources() == []
    gate.trunks.resolved("sip.carrier.example", ["198.51.100.1"])
    for _ in range(2):
        gate.access.apply()
    assert gate.sources() == ["198.51.100.1/32"] and gate.names() == ["admit", "admit"]
    carriers = ("198.51.100.1/32", ("PCMA",), "off", "supported", ())
    assert gate.engine.of("admit")[-1].values["policies"] == [carriers, *STRANGERS]
    gate.access.close()


async def test_who_has_proven_who_he_is_has_his_own_policy(room: Room) -> None:
    """A user of the file, also by his domain, and a peer that is a trunk; of others SRTP is taken that is offered."""
    trunk: dict[str, Any] = {"name": "roaming", "account": ACCOUNT_SID, "srtp": "required", "codecs": ["PCMA"]}
    trunk["users"] = [{"username": "pbx", "password": "secret"}]
    users = [
        {"name": "alice", "account": ACCOUNT_SID, "password": "a"},
        {"name": "zoe", "account": ACCOUNT_SID, "password": "a", "domain": "two.example", "codecs": ["G722"]},
        {"name": "own", "account": ACCOUNT_SID, "password": "a", "domain": "two.example", "srtp": "off"},
    ]
    domain = [{"name": "two.example", "account": ACCOUNT_SID, "srtp": "required"}]
    gate = Gate(room, trunk=[trunk], user=users, domain=domain)
    gate.access.open()
    assert gate.engine.of("trust")[-1].values["users"] == [
        ("alice", REALM, (), "optional", "", ()),
        ("zoe", "two.example", ("G722",), "required", "", ()),
        ("own", "two.example", (), "off", "", ()),
        ("pbx", REALM, ("PCMA",), "required", "supported", ()),
    ]
    assert gate.engine.of("admit")[-1].values["policies"] == STRANGERS
    gate.access.close()


def test_directory_is_listened_to_by_kind(tmp_path: Path) -> None:
    """Of every kind that says who may call."""
    told: list[int] = []
    directory = Directory(cast(Store, None))
    Domains(directory).listen(lambda: told.append(1))
    one = Hosting(directory)
    one.put("domains", domain_name="a.example")
    one.put("applications")
    assert len(told) == 1
