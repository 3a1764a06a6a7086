"""What becomes of an INVITE."""

from callwright.calls.application import Account, Application
from callwright.calls.decision import Admission, Refusal
from callwright.sip.identity import UNKNOWN


def test_what_is_not_said() -> None:
    """Of a call that came neither by a trunk nor from a user nothing is told but its parties."""
    admission = Admission(Account("AC" + "1" * 32, "token"), Application(), "sip:a@b", "sip:c@d")
    assert (admission.trunk, admission.user, admission.number_sid, dict(admission.extra)) == (None, None, None, {})
    assert admission.identity is UNKNOWN and not admission.identity.private
    assert Refusal(403, "why").headers == ()
