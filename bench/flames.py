"""Stacks as a flame graph: a static SVG, widest calls at the bottom, each with its share as a tooltip."""

from collections import Counter
from html import escape
from zlib import crc32

Stack = tuple[str, ...]
"""Frames, outermost first."""

WIDTH, ROW, MARGIN, HEAD = 1200, 17, 8, 32
LEAST = 1.0  # px: what is narrower is not drawn
LETTER = 6.6  # px, of the font below


def flames(stacks: Counter[Stack], title: str) -> str:
    """The picture of counted stacks."""
    whole = max(1, sum(stacks.values()))
    boxes = _level(list(stacks.items()), 0, 0.0, (WIDTH - 2 * MARGIN) / whole)
    depth = 1 + max((level for level, *_ in boxes), default=0)
    height = HEAD + ROW * depth + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="monospace"'
        f' font-size="11" viewBox="0 0 {WIDTH} {height}">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{MARGIN}" y="20" font-size="13">{escape(title)}</text>',
    ]
    for level, left, wide, name, count in boxes:
        top = height - MARGIN - ROW * (level + 1)
        parts.append(_box(MARGIN + left, top, wide, name, f"{count / whole:.1%}"))
    return "\n".join([*parts, "</svg>", ""])


def _level(
    stacks: list[tuple[Stack, int]], level: int, left: float, scale: float
) -> list[tuple[int, float, float, str, int]]:
    """(level, left, width, name, count) of each frame here and above, by name from the left."""
    groups: dict[str, list[tuple[Stack, int]]] = {}
    for stack, count in stacks:
        if len(stack) > level:
            groups.setdefault(stack[level], []).append((stack, count))
    boxes = []
    for name, group in sorted(groups.items()):
        count = sum(many for _, many in group)
        if count * scale >= LEAST:
            boxes.append((level, left, count * scale, name, count))
            boxes += _level(group, level + 1, left, scale)
        left += count * scale
    return boxes


def _box(left: float, top: float, wide: float, name: str, share: str) -> str:
    colour = crc32(name.partition(" (")[0].encode())
    fill = f"rgb({210 + colour % 45},{110 + (colour >> 8) % 110},{60 + (colour >> 16) % 50})"
    letters = int((wide - 4) / LETTER)
    shown = name if len(name) <= letters else name[: letters - 1] + "…" if letters > 3 else ""
    text = f'<text x="{left + 2:.1f}" y="{top + 12}">{escape(shown)}</text>' if shown else ""
    rect = f'<rect x="{left:.1f}" y="{top}" width="{wide:.1f}" height="{ROW - 1}" fill="{fill}"/>'
    return f"<g><title>{escape(name)}: {share}</title>{rect}{text}</g>"
