"""`Watcher`: a phone's subscription, in a dialog of its own.

watcher = Watcher(phone, house, "alice", "dialog")
assert (await watcher.subscribe()).status == 200
notify = await watcher.notified()
assert lamps(notify) == ["early"]
"""

from xml.etree import ElementTree

from tests.harness import Phone
from tests.harness.dialog import Dialog, HeaderLines, new_call_id, new_tag
from tests.harness.message import Address, Request, Response

from .house import House

INFO = "{urn:ietf:params:xml:ns:dialog-info}"
PIDF = "{urn:ietf:params:xml:ns:pidf}"


class Watcher:
    """One phone that watches one user.

    Attributes:
        dialog: its own side of it.
    """

    def __init__(self, phone: Phone, house: House, resource: str, event: str) -> None:
        self.phone, self.event = phone, event
        self._last = ("", "")
        domain = house.site.daemon.host
        own, other = f"sip:{phone.user}@{domain}", f"sip:{resource}@{domain}"
        target = house.aor(resource, phone.transport.lower())
        self.dialog = Dialog(new_call_id(), Address(own, "", {"tag": new_tag()}), Address(other), target)

    async def subscribe(self, expires: int = 600, headers: HeaderLines = (), contact: str = "") -> Response:
        """The answer to a SUBSCRIBE, a refresh from the second on; 0 ends it. contact: in place of the phone's own."""
        lines = [("Event", self.event), ("Contact", contact or self.phone.contact), ("Expires", str(expires)), *headers]
        response = await self.phone.exchange(self.dialog, "SUBSCRIBE", lines)
        if response.status == 200 and not self.dialog.remote.tag:
            self.dialog.learn(response)
        return response

    async def notified(self, timeout: float = 5.0) -> Request:
        """The next NOTIFY; it must be of the dialog and in order. One that was sent again is passed over."""
        found = await self.phone.trace.expect("NOTIFY", timeout, call_id=self.dialog.call_id)
        while (found.headers["Via"], found.headers["CSeq"]) == self._last:
            found = await self.phone.trace.expect("NOTIFY", timeout, call_id=self.dialog.call_id)
        self._last = found.headers["Via"], found.headers["CSeq"]
        assert isinstance(found, Request)
        assert found.to.tag == self.dialog.local.tag
        assert found.from_.tag == self.dialog.remote.tag or not self.dialog.remote.tag
        assert found.headers["Event"] == self.event
        number = int(found.headers["CSeq"].split()[0])
        assert number > self.dialog.remote_cseq
        self.dialog.remote_cseq = number
        return found

    async def until(self, *states: str) -> list[list[str]]:
        """The lamps of each NOTIFY until they are these."""
        seen: list[list[str]] = []
        while not seen or seen[-1] != list(states):
            seen.append(lamps(await self.notified()))
        return seen


def lamps(notify: Request) -> list[str]:
    """The states of the dialogs that a NOTIFY tells of."""
    return [one.text or "" for one in ElementTree.fromstring(notify.body).iter(f"{INFO}state")]


def dialog_of(notify: Request) -> dict[str, str]:
    """What names the only dialog that a NOTIFY tells of: who picks it up needs all of that (RFC 3891)."""
    (dialog,) = ElementTree.fromstring(notify.body).iter(f"{INFO}dialog")
    return dialog.attrib


def basics(notify: Request) -> list[str]:
    """The basic status of each tuple of a presence document."""
    return [one.text or "" for one in ElementTree.fromstring(notify.body).iter(f"{PIDF}basic")]
