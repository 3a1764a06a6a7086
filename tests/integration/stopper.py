"""Stops one thread of a process and no other, as a defect that blocks it would: `python stopper.py PID`.

It prints "stopped" when the thread stands still, and lets it go when its standard input ends. The main thread of a
daemon is the one in which its Python runs. Stopping another process's thread needs the right to trace it (ptrace(2)).
"""

import ctypes
import os
import sys

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000


def main() -> None:
    pid = int(sys.argv[1])
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    for request in (SEIZE, INTERRUPT):
        if ptrace(request, pid, None, None) != 0:
            sys.exit(f"ptrace of {pid}: {os.strerror(ctypes.get_errno())}: root or CAP_SYS_PTRACE is needed")
    os.waitpid(pid, WALL)
    print("stopped", flush=True)
    sys.stdin.read()
    ptrace(DETACH, pid, None, None)


if __name__ == "__main__":
    main()
