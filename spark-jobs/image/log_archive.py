"""Runs a command and keeps what it prints: passes it on to the container's log and uploads it while the pod lives.

`log_archive.py DESTINATION COMMAND ...`, DESTINATION being `s3a://bucket/key` or a file. Ends as the command ends. It
outlives a command that is killed for memory, so the last lines are kept. Standard library only, of Python 3.11.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path

from s3_object import Bucket, put

HEAD_BYTES = 256 * 1024
TAIL_BYTES = 4 * 1024 * 1024
CHUNK = 64 * 1024
# Seconds between two uploads of a log that grows; a bucket with a thousand executors must bear it.
PERIOD = float(os.environ.get("SPARKWRIGHT_LOGS_PERIOD", "15"))
# Seconds that the end of the container may wait for the last upload.
PATIENCE = 10.0
# Seconds that output of a left-over child process is waited for when the command has ended.
LINGER = 1.0


class Kept:
    """The first and the last bytes of a log; what lies between is counted."""

    def __init__(self, head: int = HEAD_BYTES, tail: int = TAIL_BYTES):
        self.limits = head, tail
        self.head = b""
        self.tail: deque[bytearray] = deque()
        self.tail_bytes = 0
        self.left_out = 0
        self.total = 0
        self.lock = threading.Lock()

    def add(self, piece: bytes) -> None:
        head, tail = self.limits
        with self.lock:
            self.total += len(piece)
            room = head - len(self.head)
            if room > 0:
                self.head += piece[:room]
                piece = piece[room:]
            if self.tail and len(self.tail[-1]) + len(piece) <= CHUNK:
                self.tail[-1] += piece
            else:
                self.tail.append(bytearray(piece))
            self.tail_bytes += len(piece)
            while (over := self.tail_bytes - tail) > 0:
                gone = min(over, len(self.tail[0]))
                del self.tail[0][:gone]
                if not self.tail[0]:
                    self.tail.popleft()
                self.tail_bytes -= gone
                self.left_out += gone

    def content(self) -> tuple[int, bytes]:
        """How much was printed so far, and what is kept of it."""
        with self.lock:
            gap = f"\n... {self.left_out} bytes are left out here ...\n".encode() if self.left_out else b""
            return self.total, b"".join([self.head, gap, *self.tail])


class Archive:
    """Uploads what is kept whenever it has grown. A failure is told once and tried again, if there are credentials."""

    def __init__(self, destination: str, kept: Kept):
        self.destination = destination
        self.kept = kept
        self.uploaded = 0
        self.told = False
        self.hopeless = False
        self.over = threading.Event()
        self.uploading = threading.Lock()

    def run(self) -> None:
        # The first lines soon: many a job that fails does so at its start.
        wait = min(PERIOD, 3.0)
        while not self.over.wait(wait):
            self.upload(PATIENCE)
            wait = PERIOD

    def upload(self, timeout: float) -> bool:
        with self.uploading:
            total, content = self.kept.content()
            if total == self.uploaded:
                return True
            try:
                write(self.destination, content, timeout)
            except Exception as error:
                if not self.told:
                    print(
                        f"sparkwright: cannot keep the log at {self.destination}: {error}", file=sys.stderr, flush=True
                    )
                self.told = True
                self.hopeless = isinstance(error, PermissionError)
                return False
            self.uploaded = total
            return True

    def finish(self) -> None:
        """The last upload, tried again for as long as the end may wait."""
        self.over.set()
        until = time.monotonic() + PATIENCE
        while (left := until - time.monotonic()) > 0:
            if self.upload(left) or self.hopeless:
                return
            time.sleep(min(0.5, left))


def write(destination: str, content: bytes, timeout: float) -> None:
    """Replace what is at the destination; raises OSError when that cannot be done."""
    if destination.startswith("s3a://"):
        put(Bucket.of(os.environ), destination, content, timeout)
        return
    path = Path(destination)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(content)
    draft.replace(path)


def main(destination: str, command: list[str]) -> int:
    """Run the command to its end; its exit code, or 128 and the number of the signal that killed it."""
    kept = Kept()
    archive = Archive(destination, kept)
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: child.send_signal(received))
    reader = threading.Thread(target=pass_on, args=(child, kept), daemon=True)
    reader.start()
    threading.Thread(target=archive.run, daemon=True).start()
    code = child.wait()
    # Other processes may hold the other end of the pipe for as long as they live.
    reader.join(LINGER)
    archive.finish()
    return code if code >= 0 else 128 - code


def pass_on(child: "subprocess.Popen[bytes]", kept: Kept) -> None:
    assert child.stdout is not None
    while piece := os.read(child.stdout.fileno(), CHUNK):
        kept.add(piece)
        while piece:
            piece = piece[os.write(1, piece) :]


if __name__ == "__main__":
    code = main(sys.argv[1], sys.argv[2:])
    sys.stdout.flush()
    # Threads that still wait for something must not hold up the end.
    os._exit(code)
