"""The secret of this installation: made once, kept in the data folder, and never a weak one."""

import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from bot.errors import SettingsError

if TYPE_CHECKING:
    from bot.settings.schema import Settings

SHORTEST_SECRET = 16


def keep_secret(file: Path) -> str:
    """The secret that signs links and cookies, made and written (readable by its owner only) when there is none.

    Raises `SettingsError` where the file is too short to be one.
    """
    try:
        secret = file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret = secrets.token_urlsafe(32)
        # A link is made whole or not at all, so that of two programs that start at once neither believes in a secret of
        # its own, nor reads half of the other's.
        descriptor, part = tempfile.mkstemp(prefix=file.name, dir=file.parent)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secret + "\n")
        try:
            os.link(part, file)
        except FileExistsError:
            return keep_secret(file)
        finally:
            os.unlink(part)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{file}: cannot be read: {error}"]) from error
    if weakness := weakness_of(secret):
        raise SettingsError([f"{file}: {weakness}; delete the file and a new one is made"])
    return secret


def secrets_of(settings: "Settings") -> Iterator[str]:
    """Every secret that is configured or kept here, for whoever has to keep them out of something."""
    for section in (settings, settings.web, *settings.sources):
        for name in type(section).model_fields:
            value = getattr(section, name)
            if isinstance(value, SecretStr) and value.get_secret_value():
                yield value.get_secret_value()
    with suppress(OSError, UnicodeDecodeError):
        yield settings.secret_file.read_text(encoding="ascii").strip()


def weakness_of(secret: str) -> str:
    """Why a secret is refused, "" if it is not."""
    if re.match(r"(?i)change|secret|password|example|default|your[-_ ]", secret):
        return (
            "looks like a placeholder; `python3 -c 'import secrets; print(secrets.token_urlsafe(32))'` makes a secret"
        )
    if len(secret) < SHORTEST_SECRET or len(set(secret)) < SHORTEST_SECRET // 2:
        return f"is too easy to guess; use at least {SHORTEST_SECRET} random characters"
    return ""
