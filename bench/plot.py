"""Cost against load as an SVG, drawn by hand: a panel a row, both sides, and the goal where there is a peer."""

from collections.abc import Sequence
from html import escape
from math import ceil, floor, log10

from .plan import OURS, PEER, TOTAL
from .report import COSTS, Results

CALL_SECOND, CALL = "CPU ms per call-second", "CPU ms per call"
PANELS = (
    ("P1", "prompt to n callers", "callers", CALL_SECOND),
    ("P2", "echo", "callers", CALL_SECOND),
    ("P3", "two legs bridged", "calls", CALL_SECOND),
    ("P4", "two legs bridged and recorded", "calls", CALL_SECOND),
    ("P5", "one conference", "members", CALL_SECOND),
    ("P6", "answer and hang up", "calls/s", CALL),
    ("P7", "INVITE, webhook, prompt, callback, record", "calls/s", CALL),
    ("P12", "growth: prompt", "callers", CALL_SECOND),
    (MEMORY := "P12 memory", "growth: memory of live calls", "callers", "MB more than idle"),
    (TOTAL, "memory after n calls", "calls", "MB"),
)
A_ROW = 4  # panels
COLOURS = {OURS: "#1f6fb4", PEER: "#c8641e", "rtpengine": "#7a4fa3", "floor": "#888888", "goal": "#2c8a3d"}
WIDTH, HEIGHT = 460, 320
LEFT, RIGHT, TOP, BOTTOM = 60, 20, 44, 52

Points = Sequence[tuple[float, float]]


def svg(results: Results) -> str:
    """The plot of a run."""
    drawn = [(panel, series) for panel in PANELS if (series := _series(results, panel[0]))]
    width = WIDTH * max(1, min(A_ROW, len(drawn)))
    height = HEIGHT * max(1, ceil(len(drawn) / A_ROW))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for index, ((row, title, x, y), series) in enumerate(drawn):
        down, across = divmod(index, A_ROW)
        parts.append(f'<g transform="translate({across * WIDTH} {down * HEIGHT})">')
        parts += _panel(f"{row.split()[0]}: {title}", x, y, series)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def _series(results: Results, row: str) -> dict[str, Points]:
    """The lines of a panel; none when our side was not measured."""
    if row == MEMORY:
        series: dict[str, Points] = {
            side: [(calls, kb / 1024) for calls, kb in results.memory_points(side)] for side in (OURS, PEER)
        }
    else:
        series = {side: results.points(row, side) for side in COLOURS}
        ratio = COSTS[row].ratio if row in COSTS else None
        if ratio is not None:
            series["goal"] = [(load, ratio * cost) for load, cost in series[PEER]]
    return {name: points for name, points in series.items() if points} if series[OURS] else {}


def _panel(title: str, x_name: str, y_name: str, series: dict[str, Points]) -> list[str]:
    x_top = _round_up(max(x for points in series.values() for x, _ in points))
    y_top = _round_up(max(y for points in series.values() for _, y in points))
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(x: float, y: float) -> tuple[float, float]:
        return LEFT + wide * x / x_top, TOP + high * (1 - y / y_top)

    parts = [f'<text x="{LEFT}" y="18" font-weight="bold">{escape(title)}</text>']
    for step in range(5):
        x, y = x_top * step / 4, y_top * step / 4
        (at_x, _), (_, at_y) = place(x, 0), place(0, y)
        parts += [
            f'<line x1="{LEFT}" x2="{LEFT + wide}" y1="{at_y:.1f}" y2="{at_y:.1f}" stroke="#ddd"/>',
            f'<text x="{LEFT - 6}" y="{at_y + 4:.1f}" text-anchor="end">{y:.3g}</text>',
            f'<text x="{at_x:.1f}" y="{TOP + high + 16}" text-anchor="middle">{x:.4g}</text>',
        ]
    parts += [
        f'<text x="{LEFT + wide / 2}" y="{HEIGHT - 16}" text-anchor="middle">{escape(x_name)}</text>',
        f'<text transform="translate(14 {TOP + high / 2}) rotate(-90)" text-anchor="middle">{escape(y_name)}</text>',
    ]
    for index, (name, points) in enumerate(series.items()):
        parts += _line(name, [place(x, y) for x, y in points], LEFT + 78 * index)
    return parts


def _line(name: str, points: Points, legend: float) -> list[str]:
    colour = COLOURS[name]
    dashes = ' stroke-dasharray="5 4"' if name == "goal" else ""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>',
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points if name != "goal"),
        f'<line x1="{legend}" x2="{legend + 18}" y1="32" y2="32" stroke="{colour}" stroke-width="2"{dashes}/>',
        f'<text x="{legend + 24}" y="36">{escape(name)}</text>',
    ]


def _round_up(value: float) -> float:
    """The next 1, 1.5, 2, 3, 4, 5, 6 or 8 times a power of ten."""
    if value <= 0:
        return 1.0
    unit = 10.0 ** floor(log10(value))
    steps = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
    return next((step * unit for step in steps if value <= step * unit), ceil(value / unit) * unit)
