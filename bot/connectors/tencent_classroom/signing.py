"""Tencent's three signatures. Pure."""

import base64
import hashlib
import hmac
import time

CONTENT_TYPE = "application/json; charset=utf-8"
SIGNED = "content-type;host;x-tc-action"


def tc3(
    secret_id: str, secret_key: str, *, service: str, host: str, action: str, payload: bytes, timestamp: int
) -> str:
    """The header `Authorization` of a POST to Tencent Cloud (document 213/30654, "signature method v3").

    `timestamp` is Unix seconds. The body is sent as `CONTENT_TYPE`.
    """
    date = time.strftime("%Y-%m-%d", time.gmtime(timestamp))
    scope = f"{date}/{service}/tc3_request"
    headers = f"content-type:{CONTENT_TYPE}\nhost:{host}\nx-tc-action:{action.lower()}\n"
    request = "\n".join(["POST", "/", "", headers, SIGNED, hashlib.sha256(payload).hexdigest()])
    to_sign = "\n".join(["TC3-HMAC-SHA256", str(timestamp), scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"TC3{secret_key}".encode()
    for part in (date, service, "tc3_request"):
        key = _hmac(key, part)
    signature = _hmac(key, to_sign).hex()
    return f"TC3-HMAC-SHA256 Credential={secret_id}/{scope}, SignedHeaders={SIGNED}, Signature={signature}"


def meeting(secret_id: str, secret_key: str, *, method: str, uri: str, nonce: str, timestamp: str, body: str) -> str:
    """The header `X-TC-Signature` of Tencent Meeting (document 1095/42413): base64 of the hex digits of the HMAC.

    `uri` is path and query as they are sent.
    """
    headers = f"X-TC-Key={secret_id}&X-TC-Nonce={nonce}&X-TC-Timestamp={timestamp}"
    to_sign = "\n".join([method, headers, uri, body])
    return base64.b64encode(_hmac(secret_key.encode(), to_sign).hex().encode()).decode()


def hook(token: str, timestamp: str, nonce: str, data: str) -> str:
    """What the header `signature` of a Tencent Meeting webhook has to say (document 1095/51612)."""
    joined = "".join(sorted([token, timestamp, nonce, data]))
    return hashlib.sha1(joined.encode("utf-8", "surrogateescape")).hexdigest()  # noqa: S324 (the platform's choice)


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
