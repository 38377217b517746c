"""Let running processes live in another time, without touching the clock of their machine.

Containers share one clock, and Go programs do not ask the C library for the time: they call
clock_gettime in the vDSO, the page of code that the kernel maps into every process. That page is
private to a process once it is written to. So a few instructions of our own over the function's
beginning give one process a wrong time of day. Its monotonic clock, by which it waits and measures,
stays as it is, as on a host whose clock was set wrong.

For x86-64 on Linux; who may trace a process may do it.
"""

from __future__ import annotations

import os
import platform
import signal
import struct
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

SYMBOL = b"__vdso_clock_gettime"
# System call 228 with the arguments as they came, then, for the clocks 0 (CLOCK_REALTIME) and
# 5 (CLOCK_REALTIME_COARSE), so many seconds added to the answer.
#   mov eax, 228; syscall; test edi, edi; je add; cmp edi, 5; jne out
#   add: add qword [rsi], seconds; out: ret
BEFORE_SECONDS = bytes.fromhex("b8e4000000 0f05 85ff 7405 83ff05 7507 488106")
AFTER_SECONDS = bytes.fromhex("c3")
# Tags of the ELF dynamic section, and its kind of segment.
STRINGS, SYMBOLS, DYNAMIC = 5, 6, 2
SYMBOL_BYTES = 24
PATIENCE_SECONDS = 120


def is_possible() -> bool:
    """Whether this machine has the instructions that are written."""
    return platform.machine() == "x86_64" and platform.system() == "Linux"


def code(seconds: int) -> bytes:
    """The instructions for a clock that is ahead by so many seconds; behind when negative."""
    return BEFORE_SECONDS + struct.pack("<i", seconds) + AFTER_SECONDS


def symbol_offset(image: bytes, name: bytes) -> int:
    """Where a function begins in the image of a vDSO. LookupError when it has none."""
    segments, count = struct.unpack_from("<Q", image, 32)[0], struct.unpack_from("<H", image, 56)[0]
    headers = [struct.unpack_from("<IIQQQQQQ", image, segments + 56 * n) for n in range(count)]
    _, _, start, _, _, size, *_ = next(header for header in headers if header[0] == DYNAMIC)
    tags = dict(struct.unpack_from("<qQ", image, at) for at in range(start, start + size, 16))
    for at in range(tags[SYMBOLS], tags[STRINGS], SYMBOL_BYTES):
        text, _, _, _, value, _ = struct.unpack_from("<IBBHQQ", image, at)
        begin = tags[STRINGS] + text
        if image[begin : image.index(b"\0", begin)] == name:
            return int(value)
    raise LookupError(f"the vDSO has no {name.decode()}")


@contextmanager
def wrong_clock(pids: Iterable[int], seconds: int) -> Iterator[None]:
    """Set the time of day of processes ahead, or behind by a negative number, until it ends.

    A process that was started again meanwhile has the right time already.
    """
    with ExitStack() as stack:
        for pid in pids:
            stack.enter_context(_wrong_clock(pid, seconds))
        yield


@contextmanager
def _wrong_clock(pid: int, seconds: int) -> Iterator[None]:
    start, image = vdso(pid)
    address = start + symbol_offset(image, SYMBOL)
    wrong = code(seconds)
    right = image[address - start :][: len(wrong)]
    with Path(f"/proc/{pid}/mem").open("r+b", buffering=0) as memory:
        _write(pid, memory, address, wrong)
        try:
            yield
        finally:
            with suppress(OSError):  # it has ended
                _write(pid, memory, address, right)


def vdso(pid: int) -> tuple[int, bytes]:
    """Where the vDSO of a process begins, and its image."""
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        if line.endswith("[vdso]"):
            start, end = (int(address, 16) for address in line.split()[0].split("-"))
            with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
                memory.seek(start)
                return start, memory.read(end - start)
    raise LookupError(f"process {pid} has no vDSO")


def _write(pid: int, memory: BinaryIO, address: int, content: bytes) -> None:
    """Replace instructions while no thread is amid them."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        os.kill(pid, signal.SIGSTOP)
        try:
            counters = _program_counters(pid, deadline)
            if not any(address < counter < address + len(content) for counter in counters):
                memory.seek(address)
                memory.write(content)
                return
        finally:
            os.kill(pid, signal.SIGCONT)
        time.sleep(0.01)
    raise RuntimeError(f"process {pid} is always amid its clock_gettime")


def _program_counters(pid: int, deadline: float) -> list[int]:
    """Where each thread of a stopped process stands, once all of them have come to a stop."""
    counters = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # the thread has ended
            while (told := (task / "syscall").read_text().split()) == ["running"]:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"thread {task.name} of process {pid} does not stop")
                time.sleep(0.001)
            counters.append(int(told[-1], 16))
    return counters
