"""Tencent's signatures against those that Tencent published."""

from bot.connectors.tencent_classroom import signing
from bot.connectors.tencent_classroom.mapper import ended, opened

DATA = (
    "eyJldmVudCI6Im1lZXRpbmcuY3JlYXRlZCIsInVuaXF1ZV9zZXF1ZW5jZSI6ImYyMDA5NmVlLThhYzgtNGRmMi1hN2RlLTA1NzQ2NDlmMjExYiIs"
    "InBheWxvYWQiOlt7Im9wZXJhdGVfdGltZSI6IjIwMjAtMTItMjkgMTc6NDE6MDYiLCJvcGVyYXRvciI6eyJ1c2VyaWQiOiJ0ZXN0ZXIwMDAwNmJh"
    "NWJhYjMzOTg1OGMxM2M5MzBjY2E5NTY4NCJ9LCJtZWV0aW5nX2luZm8iOnsibWVldGluZ19pZCI6IjYwNTg4OTAzODU0ODA5MjEwNTIiLCJtZWV0"
    "aW5nX2NvZGUiOiI1MzA4MTI0NTIiLCJzdWJqZWN0IjoibWVkaWEgdGVzdGVyIG1lZXRpbmciLCJjcmVhdG9yX2lkIjoidGVzdGVyMDAwMDZiYTVi"
    "YWIzMzk4NThjMTNjOTMwY2NhOTU2ODQiLCJob3N0cyI6WyJ0ZXN0ZXIwMDAwNmJhNWJhYjMzOTg1OGMxM2M5MzBjY2E5NTY4NCJdLCJtZWV0aW5n"
    "X3R5cGUiOjAsInN0YXJ0X3RpbWUiOiIyMDIwLTEyLTI5IDE3OjQxOjA0IiwiZW5kX3RpbWUiOiIyMDIwLTEyLTI5IDE4OjAxOjA0In19XX0"
)
"""The example of document 1095/51612, as Tencent signed it: without padding."""


def test_a_request_to_tencent_cloud_is_signed_as_published() -> None:
    """The example of the signature method v3."""
    payload = b'{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}'
    header = signing.tc3(
        "AKID********************************",
        "********************************",
        service="cvm",
        host="cvm.tencentcloudapi.com",
        action="DescribeInstances",
        payload=payload,
        timestamp=1551113065,
    )
    assert header == (
        "TC3-HMAC-SHA256 Credential=AKID********************************/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host;x-tc-action, "
        "Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"
    )


def test_a_webhook_of_tencent_meeting_is_signed_as_published() -> None:
    """The example of the webhook's document, whole; what it carries can be opened without its padding."""
    signature = signing.hook("bVPU6F8Htxl5XkAbp3jGV2xWp", "1609239040864", "14964161", DATA)
    assert signature == "b11e507817336a91d7df0c8536ee2aca18bbbae8"
    assert opened(DATA).startswith(b'{"event":"meeting.created"')
    assert ended(DATA) == []


def test_a_request_to_tencent_meeting_signs_the_hex_digits() -> None:
    """Base64 of the digits, not of the bytes: `printf 'GET\\n…' | openssl dgst -sha256 -hmac key | base64` agrees."""
    signed = signing.meeting(
        "id", "key", method="GET", uri="/v1/meeting/1/im-details?a=b", nonce="7", timestamp="1800000000", body=""
    )
    assert signed == "MGMzYTdkNmQzYWNmOWNmNzcxMjc2Y2E0NWViMWYwZGIyYTRlOTMwZDg4OGNiOTMwZmI3MDIyZmExODJiMWFjMw=="
