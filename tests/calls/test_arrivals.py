"""Text messages that come in for an application."""

from callwright.account import Account
from callwright.calls.application import Hook
from callwright.calls.arrivals import KIND, Arrivals, Arrived
from tests.calls.fakes import ACCOUNT_SID
from tests.calls.records import Posts, Rows

ACCOUNT = Account(ACCOUNT_SID, "token")
HOOK = Hook("http://app.example/text")
PICTURE = "http://gateway.example/1.png"


def desk() -> tuple[Arrivals, Rows, Posts]:
    rows, posts = Rows(), Posts()
    return Arrivals(rows, posts), rows, posts  # type: ignore[arg-type]  # as much of a store as is asked for


async def test_it_is_kept_and_told() -> None:
    arrivals, rows, posts = desk()
    media = [(PICTURE, "image/png"), (f"{PICTURE}?2", "")]
    row = arrivals.take(ACCOUNT, Arrived("+1555", "+1666", "ж" * 71, media, {"SipDomain": "x"}), HOOK)
    assert rows.row("messages", row["sid"]) == row
    assert (row["direction"], row["status"], row["from"], row["to"]) == ("inbound", "received", "+1555", "+1666")
    assert row["date_sent"] == row["date_created"] and row["media"] == [PICTURE, f"{PICTURE}?2"]
    (posted,) = posts.all
    assert (posted.url, posted.kind) == (HOOK.url, KIND)
    assert posted.params == {
        "MessageSid": row["sid"], "SmsSid": row["sid"], "SmsMessageSid": row["sid"], "AccountSid": ACCOUNT_SID,
        "ApiVersion": "2010-04-01", "From": "+1555", "To": "+1666", "Body": "ж" * 71, "NumMedia": "2",
        "NumSegments": "2", "SmsStatus": "received", "MediaUrl0": PICTURE, "MediaContentType0": "image/png",
        "MediaUrl1": f"{PICTURE}?2", "SipDomain": "x",
    }  # fmt: skip


async def test_nobody_is_to_be_told() -> None:
    arrivals, rows, posts = desk()
    row = arrivals.take(ACCOUNT, Arrived("+1555", "+1666", "x"), None)
    assert rows.row("messages", row["sid"])["body"] == "x" and not posts.all
