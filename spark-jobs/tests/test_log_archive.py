"""The process that keeps a container's log: what it uploads, and that it ends as its command ends."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_archive import Kept
from s3_object import Bucket, signed

SCRIPT = Path(__file__).parents[1] / "image/log_archive.py"


def start(destination, code, **environ):
    command = [sys.executable, "-EsS", str(SCRIPT), str(destination), sys.executable, "-c", code]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environ}
    )


def wait_for(condition, within=20.0):
    until = time.monotonic() + within
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_what_a_command_prints_is_passed_on_and_kept_and_its_exit_code_too(tmp_path):
    log = tmp_path / "runs/r/s/1/driver.log"
    run = start(log, "import sys; print('one'); print('two', file=sys.stderr); sys.exit(3)")
    assert sorted(run.communicate()[0].split()) == ["one", "two"]
    assert run.returncode == 3
    assert sorted(log.read_text().split()) == ["one", "two"]


def test_the_last_lines_of_a_command_that_is_killed_are_kept(tmp_path):
    log = tmp_path / "driver.log"
    run = start(log, "import os; print('last words', flush=True); os.kill(os.getpid(), 9)")
    run.communicate()
    assert run.returncode == 137
    assert log.read_text() == "last words\n"


def test_the_log_is_there_while_the_command_runs_and_a_signal_reaches_it(tmp_path):
    log = tmp_path / "driver.log"
    code = (
        "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(7)); print('up', flush=True); time.sleep(60)"
    )
    run = start(log, code, SPARKWRIGHT_LOGS_PERIOD="0.05")
    wait_for(lambda: log.exists() and log.read_text() == "up\n")
    run.send_signal(signal.SIGTERM)
    run.communicate()
    assert run.returncode == 7


def test_a_store_that_cannot_be_reached_is_told_once_and_does_not_change_the_end():
    run = start("s3a://bucket/driver.log", "print('done')", AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_ACCESS_KEY_ID="")
    out, err = run.communicate()
    assert (out, run.returncode) == ("done\n", 0)
    assert err.count("cannot keep the log") == 1


@given(st.lists(st.binary(max_size=40)), st.integers(0, 30), st.integers(1, 60))
def test_the_first_and_the_last_bytes_are_kept(pieces, head, tail):
    whole = b"".join(pieces)
    kept = Kept(head, tail)
    for piece in pieces:
        kept.add(piece)
    total, content = kept.content()
    assert total == len(whole)
    assert len(content) <= head + tail + 60
    assert content.startswith(whole[:head])
    if kept.left_out:
        first, _, last = content.partition(f"\n... {kept.left_out} bytes are left out here ...\n".encode())
        assert len(first) + kept.left_out + len(last) == total
        assert whole.endswith(last)
    else:
        assert content == whole


def test_credentials_are_needed():
    with pytest.raises(PermissionError, match="AWS_ACCESS_KEY_ID is not set"):
        Bucket.of({})


def test_a_request_is_signed_for_its_moment_content_and_place():
    bucket = Bucket("http://s3", "eu-central-1", "key", "secret", "token")
    now = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)
    headers = signed(bucket, "s3", "/b/k", b"a", now)
    assert headers["x-amz-date"] == "20261123T010203Z"
    assert headers["x-amz-security-token"] == "token"
    assert "Credential=key/20261123/eu-central-1/s3/aws4_request" in headers["authorization"]
    others = [signed(bucket, "s3", "/b/k", b"b", now), signed(bucket, "s3", "/b/l", b"a", now)]
    assert headers["authorization"] not in [other["authorization"] for other in others]
