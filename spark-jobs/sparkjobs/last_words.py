"""Where a failed job leaves its termination document: a file, an object, or the device that Kubernetes reads."""

import json
from pathlib import Path

from sparkjobs.documents import write_document
from sparkjobs.failure import Failure

DEVICES = "/dev/"
# The kubelet keeps no more bytes than this, and half a document is none.
DEVICE_BYTES = 4096


def write_last_words(uri: str, failure: Failure) -> None:
    """Write the termination document; raises OSError when it cannot be written."""
    if not uri.startswith(DEVICES):
        write_document(uri, failure.document())
        return
    # A mounted file can be neither replaced nor renamed over.
    with Path(uri).open("wb") as stream:
        stream.write(fitting(failure, DEVICE_BYTES))


def fitting(failure: Failure, limit: int) -> bytes:
    """The document in at most `limit` bytes: the first lines of the traceback go first, then the end of the message."""
    document = failure.document()
    while len(text := json.dumps(document, ensure_ascii=False).encode()) > limit:
        if document["traceback"]:
            document["traceback"] = document["traceback"].partition("\n")[2]
        elif document["message"]:
            document["message"] = document["message"][: len(document["message"]) * 3 // 4]
        else:
            document["remedy"] = ""
    return text
