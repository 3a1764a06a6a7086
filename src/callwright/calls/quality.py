"""How a call sounded, in the few figures that stand on its last line; all of them are in its event log."""

from collections.abc import Mapping
from typing import Any


def facts(statistics: Mapping[str, Any]) -> dict[str, object]:
    """What the last step of a call says of its media.

    Args:
        statistics: of its leg, as the engine gives them; empty when no media ran.

    Returns:
        mos, lost (packets), jitter_ms: heard by us / by the peer, as the peer's own reports tell; verdict, in words,
        when one way or both carried no audio; statistics, whole.
    """
    if not statistics:
        return {}
    rx, tx, mos = (statistics.get(part, {}) for part in ("rx", "tx", "mos"))
    told: dict[str, object] = {
        "codec": statistics.get("codec", ""),
        "mos": f"{mos.get('rx', 0):.1f}/{mos.get('tx', 0):.1f}",
        "lost": f"{rx.get('lost', 0)}/{tx.get('lost', 0)}",
        "jitter_ms": f"{rx.get('jitter_ms', 0):.1f}/{tx.get('jitter_ms', 0):.1f}",
    }
    if verdict := statistics.get("verdict"):
        told["verdict"] = verdict
    return told | {"statistics": dict(statistics)}
