"""What a source is configured with: the base of every connector's options, which `settings` reads from its table.

A connector declares its options as a subclass and hands them over in its `kinds.Kind`, so that a new one changes no
other file. A secret is a field of type `SecretStr`, made by `secret`: the file may name a variable or a file that holds
it (`token_env`, `token_file`) instead.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def _slug(value: str) -> str:
    if not SLUG.fullmatch(value):
        raise ValueError("must be 1 to 64 small letters, digits, - or _, for it becomes a part of addresses")
    return value


Slug = Annotated[str, AfterValidator(_slug)]

Url = Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")]
SocketUrl = Annotated[str, Field(pattern=r"^wss?://[^\s?#]+$")]


class Section(BaseModel):
    """A table of the file. A key that is not here is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    title_in_file: ClassVar[str] = ""
    about: ClassVar[str] = ""


class SourceOptions(Section):
    """One source: a chat that is listened to. `kind` is the name of its table, `[kind]` or, for several, `[[kind]]`."""

    kind: ClassVar[str]

    name: Slug = Field(description="Name of the source, and the end of its address `/in/NAME`.")
    session: str = Field(default="", description="Id of the session its questions go to. Needed if there are several.")

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        """A source is called as its kind, unless it says otherwise."""
        return {"name": cls.kind, **given} if isinstance(given, dict) else given

    @property
    def staff(self) -> str:
        """The chat of the staff, as this source names chats; "" where there is none."""
        return ""

    @property
    def keeps_ids(self) -> bool:
        """False where these options have a person get another id each evening, though their kind could do better."""
        return True

    def is_staff(self, chat: str) -> bool:
        """Whether this chat is the staff's, or a part of it: nothing that is for the audience is said there."""
        return bool(self.staff) and chat == self.staff

    def problems(self, public_url: str) -> list[tuple[str, str]]:
        """What one field cannot see, as (field, what to do about it). `public_url`: of `[web]`, "" for none."""
        return []


def secret(
    description: str,
    *,
    variable: str = "",
    needed: bool = True,
    made_here: bool = False,
    only: Mapping[str, str | bool] | None = None,
) -> Any:
    """A field that holds a secret. `variable` is the environment variable that is read where the file says nothing;
    one that is not `needed` may be left out. `made_here`: chosen by the organiser, so a weak one is refused. `only`:
    other options and what they must be for this one to mean anything; else `floormic connect` does not ask for it. Any
    field may say so in its `json_schema_extra`.
    """
    return Field(
        default=SecretStr(""),
        description=description,
        json_schema_extra={
            "variable": variable,
            "needed": needed,
            "made_here": made_here,
            "only": dict(only or {}),
        },
    )
