import json

import pytest

from sparkjobs.failure import Failure
from sparkjobs.last_words import DEVICE_BYTES, fitting, write_last_words

LINES = "\n".join(f"line {number} {'x' * 80}" for number in range(200))


@pytest.mark.parametrize(
    ("message", "traceback"),
    [("short", LINES), ("é" * 9000, LINES), ('"' * 9000, ""), ("m", "one line " * 1000)],
    ids=["long traceback", "long message", "message that is escaped", "traceback of one line"],
)
def test_fitting_is_whole_and_small_enough(message, traceback):
    text = fitting(Failure("ConfigError", "InputError", message, "Mend it", traceback), DEVICE_BYTES)
    assert len(text) <= DEVICE_BYTES
    document = json.loads(text)
    assert document["class"] == "ConfigError"
    assert document["remedy"] == "Mend it"
    assert document["message"]
    assert message.startswith(document["message"])


def test_fitting_keeps_the_end_of_the_traceback():
    document = json.loads(fitting(Failure("ApplicationError", "ValueError", "m", "", LINES), DEVICE_BYTES))
    assert document["traceback"].endswith(LINES[-20:])


def test_write_last_words_replaces_a_file_that_is_no_device(tmp_path):
    path = tmp_path / "termination.json"
    write_last_words(str(path), Failure("ApplicationError", "ValueError", "m", "", LINES))
    assert json.loads(path.read_text())["traceback"] == LINES


def test_write_last_words_to_a_device_needs_no_room_beside_it():
    write_last_words("/dev/null", Failure("ApplicationError", "ValueError", "m", "", ""))
