"""What perf and py-spy say, as one picture."""

import re
import sys
from collections import Counter
from pathlib import Path

import pytest

from bench import profile
from bench.flames import flames

SCRIPT = """\
callwright   100   55d0a1b2 _PyEval_EvalFrameDefault+0x1c2 (/usr/bin/python3.11)
callwright   100   7f00aa11 operator new(unsigned long)+0x10 (/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30)
media 0   101   ffffffff81 __sys_sendto+0x55 ([kernel.kallsyms])
media 0   101   ffffffff82 __sys_sendto+0x99 ([kernel.kallsyms])
media 0   101   7f00bb22 mix+0x3 (/x/_engine.cpython-311-x86_64-linux-gnu.so)
not a sample
""".splitlines()


def test_functions_of_perf() -> None:
    assert profile.functions(SCRIPT) == {
        ("callwright", 100, "python3.11", "_PyEval_EvalFrameDefault"): 1,
        ("callwright", 100, "libstdc++", "operator new(unsigned long)"): 1,
        ("media 0", 101, "kernel", "__sys_sendto"): 2,
        ("media 0", 101, "_engine", "mix"): 1,
    }


def test_stacks_of_the_main_thread() -> None:
    raw = [
        "thread (0x7F00): MainThread;run (base.py);step (call.py) 3",
        "thread (0x7F01): store-write;write (sqlite.py) 9",
        "thread (0x7F00): MainThread;run (base.py) 1",
    ]
    assert profile.python_stacks(raw) == {("run (base.py)", "step (call.py)"): 3, ("run (base.py)",): 1}


def test_the_main_thread_has_perf_s_weight() -> None:
    stacks = Counter({("run", "step"): 30, ("run",): 10})
    samples = Counter({("callwright", 100, "python3.11", "eval"): 8, ("media", 101, "kernel", "sendto"): 5})
    assert profile.merged(samples, stacks, 100) == {
        ("media", "kernel", "sendto"): 5,
        ("main: asyncio", "run", "step"): 6,
        ("main: asyncio", "run"): 2,
    }
    assert profile.merged(samples, Counter(), 100)[("callwright", "python3.11", "eval")] == 8


def test_table_tells_shares() -> None:
    lines = profile.table(profile.functions(SCRIPT)).splitlines()
    assert lines[0] == " 60.0%  media 0"
    assert lines[1] == "   40.0%  __sys_sendto (kernel)"
    assert " 40.0%  callwright" in lines


def test_widths_are_shares() -> None:
    drawn = flames(Counter({("a", "b"): 75, ("a",): 5, ("c <&>",): 20}), "title")
    found = {
        name: (float(left), float(wide))
        for name, left, wide in re.findall(
            r'<title>(.*?): [\d.]+%</title><rect x="([\d.]+)" y="\d+" width="([\d.]+)"', drawn
        )
    }
    assert set(found) == {"a", "b", "c &lt;&amp;&gt;"}
    assert found["a"][1] / found["c &lt;&amp;&gt;"][1] == pytest.approx(4, rel=0.01)
    assert found["b"][0] == found["a"][0]
    assert "80.0%" in drawn
    assert drawn.startswith("<svg ")


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert len(profile.missing()) == 2
    with pytest.raises(RuntimeError, match="linux-perf"):
        profile.Profile(1, 0, 1, tmp_path / "x.svg", "")
