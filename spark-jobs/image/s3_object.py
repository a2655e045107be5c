"""Writes one object to S3 with nothing but the standard library: one signed PUT (AWS Signature Version 4)."""

import hashlib
import hmac
import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit


@dataclass(frozen=True)
class Bucket:
    """Where buckets are and who asks, by the variables that every S3 client reads."""

    endpoint: str
    region: str
    access_key: str
    secret_key: str
    token: str = ""
    authority: str | None = None

    @staticmethod
    def of(environ: Mapping[str, str]) -> "Bucket":
        """Raises PermissionError when there are no credentials."""
        region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            if not environ.get(name):
                raise PermissionError(f"{name} is not set")
        return Bucket(
            environ.get("AWS_ENDPOINT_URL_S3")
            or environ.get("AWS_ENDPOINT_URL")
            or f"https://s3.{region}.amazonaws.com",
            region,
            environ["AWS_ACCESS_KEY_ID"],
            environ["AWS_SECRET_ACCESS_KEY"],
            environ.get("AWS_SESSION_TOKEN", ""),
            environ.get("AWS_CA_BUNDLE") or None,
        )


def put(bucket: Bucket, uri: str, content: bytes, timeout: float) -> None:
    """Replace `s3a://bucket/key`. Raises OSError with what the server said, or when `timeout` seconds are over."""
    server = urlsplit(bucket.endpoint)
    # Signed and sent in one and the same spelling; a bucket by path works everywhere.
    path = server.path.rstrip("/") + "/" + quote(uri.removeprefix("s3a://"), safe="/-_.~")
    headers = signed(bucket, server.netloc, path, content, datetime.now(UTC))
    connection: http.client.HTTPConnection
    if server.scheme == "http":
        connection = http.client.HTTPConnection(server.netloc, timeout=timeout)
    else:
        context = ssl.create_default_context(cafile=bucket.authority)
        connection = http.client.HTTPSConnection(server.netloc, timeout=timeout, context=context)
    try:
        connection.request("PUT", path, body=content, headers=headers)
        answer = connection.getresponse()
        said = answer.read(2000)
    except http.client.HTTPException as error:
        raise OSError(f"{bucket.endpoint} did not answer: {error!r}") from error
    finally:
        connection.close()
    if answer.status >= 300:
        raise OSError(f"{bucket.endpoint} answered {answer.status} {answer.reason}: {said.decode(errors='replace')}")


def signed(bucket: Bucket, host: str, path: str, content: bytes, now: datetime) -> dict[str, str]:
    """Headers of the request, its signature among them."""
    moment = now.strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(content).hexdigest()
    headers = {"host": host, "x-amz-content-sha256": digest, "x-amz-date": moment}
    if bucket.token:
        headers["x-amz-security-token"] = bucket.token
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = "\n".join(["PUT", path, "", lines, names, digest])
    scope = f"{moment[:8]}/{bucket.region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{bucket.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={bucket.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return {**headers, "authorization": authorization}
