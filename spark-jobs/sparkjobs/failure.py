"""What ended a job: its class, what it says, and the exit code (docs/job-protocol.md)."""

import errno
import re
import traceback
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column
from pyspark.sql import functions as F

EXIT_CODES = {"ApplicationError": 1, "ConfigError": 2, "OutOfMemory": 52}
TRACEBACK_LINES = 40
MESSAGE_LENGTH = 2000


class InputError(Exception):
    """Data or spec that only a person can mend: `message` says what is wrong and where, `remedy` what to do."""

    def __init__(self, message: str, remedy: str = ""):
        super().__init__(message)
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True)
class Failure:
    """The termination document and the exit code that goes with it."""

    class_: str
    type: str
    message: str
    remedy: str
    traceback: str

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.class_]

    def document(self) -> dict[str, str]:
        return {
            "class": self.class_,
            "type": self.type,
            "message": self.message,
            "remedy": self.remedy,
            "traceback": self.traceback,
        }


_REFUSED = re.compile(r"\[\[input: (.*?) ;; (.*?) \]\]", re.DOTALL)


def refuse(message: Column, remedy: str) -> Column:
    """A column that ends the job with an InputError as soon as Spark computes it for a row.

    Spark can only raise text, so message and remedy travel in brackets that `classify` finds again.
    """
    clean = F.translate(F.substring(message, 1, 500), "\n\r[]", "  ()")
    return F.raise_error(F.concat(F.lit("[[input: "), clean, F.lit(f" ;; {remedy} ]]")))


def classify(error: BaseException) -> Failure:
    """Class, message and remedy of whatever a job raised.

    Java exceptions are judged by the classes in their chain of causes; where a task on an executor failed Spark hands
    on text only, so that is searched for the same class names.
    """
    trail = "".join(traceback.format_exception(error)).splitlines()[-TRACEBACK_LINES:]
    class_, type_, message, remedy = _judge(error)
    return Failure(class_, type_, message[:MESSAGE_LENGTH], remedy, "\n".join(trail))


def _judge(error: BaseException) -> tuple[str, str, str, str]:
    type_ = type(error).__name__
    if isinstance(error, InputError):
        return "ConfigError", type_, error.message, error.remedy
    if isinstance(error, MemoryError):
        return "OutOfMemory", type_, str(error) or "Python ran out of memory", "Give the size of this job more memory"
    if isinstance(error, OSError):
        return _judge_os(error)
    causes = _java_causes(error)
    text = str(error) + "\n".join(f"{name}: {said}" for name, said in causes)
    refused = _REFUSED.search(text)
    if refused:
        return "ConfigError", "InputError", refused[1], refused[2]
    for pattern, class_, cause, remedy in _KNOWN:
        found = re.search(pattern, text)
        if found:
            said = _line_of(text, found.start())
            file = re.search(r"reading file (\S+?)\.?\s", text)
            place = f" of {file[1]}" if file and file[1] not in said else ""
            return class_, type_, f"{cause}{place}: {said}" if cause else said, remedy
    return "ApplicationError", type_, _said(error, causes), "See the traceback and the log of the attempt"


# What is found in the text of a Spark exception, the class it stands for, what to say, and the remedy.
_KNOWN = [
    (
        r"java\.lang\.OutOfMemoryError|can't allocate memory|OOMKilled",
        "OutOfMemory",
        "",
        "Give the size of this job more memory, or the job less data at a time",
    ),
    (
        r"No space left on device|Disk quota exceeded",
        "ConfigError",
        "Cannot write: the disk is full",
        "Free space under the storage root and the scratch folder (spark.local.dir), then retry",
    ),
    (
        r"Class org\.apache\.hadoop\.fs\.s3a\.S3AFileSystem not found|No FileSystem for scheme \"s3a?\"",
        "ConfigError",
        "Spark cannot read s3a://",
        "Use an image whose Spark has the hadoop-aws jar of its Hadoop version, with the AWS SDK bundle",
    ),
    (
        r"AccessDeniedException|AccessControlException|Permission denied|Mkdirs failed to create",
        "ConfigError",
        "Cannot reach a file: permission denied",
        "Let the user of the job read its inputs and write under the storage root, then retry",
    ),
    (
        # Not MALFORMED_RECORD_IN_PARSING, which stands before it and shows the fields Spark made of the line.
        r"MALFORMED_CSV_RECORD",
        "ConfigError",
        "Cannot read a line",
        "Fix the line, or separator, header and encoding of the dataset, then run again",
    ),
    (
        r"is not a Parquet file|CANNOT_READ_FILE_FOOTER|FAILED_READ_FILE|CorruptedFile|Could not read footer",
        "ConfigError",
        "Cannot read a file",
        "Replace the damaged file, or fix what the dataset says about it, then run again",
    ),
]


_REFUSED_BY_S3 = re.compile(r"AWS Error (ACCESS_DENIED|NO_SUCH_BUCKET|INVALID_ACCESS_KEY_ID|SIGNATURE_DOES_NOT_MATCH)")


def _judge_os(error: OSError) -> tuple[str, str, str, str]:
    place = f" {error.filename}" if error.filename else ""
    type_ = type(error).__name__
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "ConfigError", type_, f"Cannot write{place}: the disk is full", "Free space there, then retry"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        message = f"Cannot reach{place}: {error.strerror or error}"
        return "ConfigError", type_, message, "Let the user of the job read and write there, then retry"
    if _REFUSED_BY_S3.search(str(error)):
        remedy = "Correct the bucket, or the rights of the AWS_* credentials the job was given, then retry"
        return "ConfigError", type_, str(error), remedy
    if error.errno == errno.ENOMEM:
        return "OutOfMemory", type_, str(error), "Give the size of this job more memory"
    return "ApplicationError", type_, str(error), "See the traceback and the log of the attempt"


def _java_causes(error: BaseException) -> list[tuple[str, str]]:
    """Class name and message of the Java exception behind `error` and of its causes, outermost first."""
    origin: Any = error.java_exception if isinstance(error, Py4JJavaError) else getattr(error, "_origin", None)
    causes: list[tuple[str, str]] = []
    try:
        while origin is not None and len(causes) < 20:
            causes.append((origin.getClass().getName(), origin.getMessage() or ""))
            origin = origin.getCause()
    except (Py4JError, OSError):
        # The Java process is gone, as after an OutOfMemoryError; what was read so far has to do.
        return causes
    return causes


def _said(error: BaseException, causes: list[tuple[str, str]]) -> str:
    """The most telling sentence: the innermost Java cause that says anything, else the exception's first line."""
    if isinstance(error, PySparkException) and not causes:
        return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    for name, said in reversed(causes):
        if said.strip():
            return f"{name.rsplit('.', 1)[-1]}: {said.strip().splitlines()[0]}"
    first = str(error).strip().splitlines()
    return first[0] if first else type(error).__name__


def _line_of(text: str, position: int) -> str:
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    line = text[start : end if end >= 0 else len(text)].strip()
    # Without the name of the exception class, its error condition and the code of the SQL standard.
    return re.sub(r"^(Caused by: )?(([\w$]+\.)+[\w$]+: )?(\[[A-Z_.]+\] )?|,? SQLSTATE: \w+$", "", line)
