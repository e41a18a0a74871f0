"""How WeCom seals what it sends to a callback address: sha1 over the sorted parts, AES-256-CBC inside.

Source: developer.work.weixin.qq.com/document/path/101033. The plaintext is 16 random bytes, its length as u32 (big end
first), the message and the receive id, padded after PKCS#7 to blocks of 32; the IV is the key's first half.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import struct

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

AES_KEY = re.compile(r"[A-Za-z0-9]{43}")
RANDOM, LENGTH, BLOCK = 16, 4, 32


class BadSeal(ValueError):
    """What came cannot be opened with this key."""


class Seal:
    """Signs, checks, opens and closes with one bot's token and EncodingAESKey (43 letters and digits).

    `receive_id` is "" for the AI bot of one's own company. Raises `ValueError` for a key that is none.
    """

    def __init__(self, token: str, encoding_aes_key: str, receive_id: str = "") -> None:
        if not AES_KEY.fullmatch(encoding_aes_key):
            raise ValueError("an EncodingAESKey has 43 letters and digits")
        self._token = token
        self._key = base64.b64decode(f"{encoding_aes_key}=")
        self._receive_id = receive_id.encode()

    def signature(self, timestamp: str, nonce: str, sealed: str) -> str:
        parts = sorted([self._token, timestamp, nonce, sealed])
        return hashlib.sha1("".join(parts).encode("utf-8", "surrogatepass")).hexdigest()  # noqa: S324 (their choice)

    def signed(self, signature: str, timestamp: str, nonce: str, sealed: str) -> bool:
        given = signature.encode("utf-8", "surrogatepass")
        return hmac.compare_digest(given, self.signature(timestamp, nonce, sealed).encode())

    def open(self, sealed: str) -> bytes:
        """The message. Raises `BadSeal`."""
        try:
            closed = base64.b64decode(sealed, validate=True)
            plain = self._cipher().decryptor().update(closed) if closed and len(closed) % 16 == 0 else b""
        except (ValueError, binascii.Error):
            raise BadSeal("no base64") from None
        if len(plain) < RANDOM + LENGTH + 1 or not 1 <= plain[-1] <= BLOCK:
            raise BadSeal("not sealed with this key")
        padding = plain[-1]
        content = plain[RANDOM:-padding]
        if plain[-padding:] != bytes([padding]) * padding or len(content) < LENGTH:
            raise BadSeal("not sealed with this key")
        (length,) = struct.unpack(">I", content[:LENGTH])
        message, receive_id = content[LENGTH : LENGTH + length], content[LENGTH + length :]
        if len(message) != length or receive_id != self._receive_id:
            raise BadSeal("meant for somebody else")
        return message

    def close(self, message: bytes) -> str:
        plain = secrets.token_bytes(RANDOM) + struct.pack(">I", len(message)) + message + self._receive_id
        padding = BLOCK - len(plain) % BLOCK
        closed = self._cipher().encryptor().update(plain + bytes([padding]) * padding)
        return base64.b64encode(closed).decode()

    def _cipher(self) -> Cipher[CBC]:
        return Cipher(AES256(self._key), CBC(self._key[:16]))
