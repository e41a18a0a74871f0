"""Bytes of a text file to text, whatever encoding somebody's program saved it in."""

import re

from knowledge.material import Found

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_CONTROL_SHARE = 100  # one control character in so many is a stray from copying; more of them is no text


def decode(found: Found, data: bytes) -> str | None:
    """UTF-8 text; other encodings are read where it is safe to, with a problem; None for what is no text."""
    utf16 = ("utf-16",) if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ()
    for encoding in ("utf-8-sig", *utf16, "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if len(_CONTROL.findall(text)) * _CONTROL_SHARE > len(text):
            continue
        if encoding != "utf-8-sig":
            found.problem(f"not UTF-8; it was read as {encoding.upper()}: save it as UTF-8 to be sure")
        return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    found.problem("no text in it, although its name says so: save it as a UTF-8 text file or remove it")
    return None
