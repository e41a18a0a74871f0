"""What can be set: one frozen model for each table of the file. The descriptions are the documentation."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    StrictBool,
    StrictInt,
    field_validator,
)

from bot.model import Mode, Session

TELEGRAM_TOKEN = "FLOORMIC_TELEGRAM_TOKEN"  # noqa: S105 (the name of a variable, not a token)
TELEGRAM_URL = "https://api.telegram.org"


def _slug(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", value):
        raise ValueError("must be 1 to 64 small letters, digits, - or _, for it becomes a part of addresses")
    return value


Slug = Annotated[str, AfterValidator(_slug)]


class Section(BaseModel):
    """A table of the file. A key that is not here is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    title_in_file: ClassVar[str] = ""
    about: ClassVar[str] = ""


class WebSettings(Section):
    title_in_file = "[web]"
    about = "Where the pages and the API are served."

    host: str = Field(
        default="127.0.0.1", description="Address to listen on; `0.0.0.0` for every network of this machine."
    )
    port: StrictInt = Field(default=8080, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s/?#]+/?)?$",
        description="Address under which others reach the pages, for links and the QR code, such as "
        "`https://floor.example.org`. Empty: made from host and port. With `https://` the cookies are marked secure.",
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=(),
        description="Addresses or networks of reverse proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are "
        'believed, such as `["127.0.0.1", "10.0.0.0/8"]`.',
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            try:
                ipaddress.ip_network(text, strict=False)
            except ValueError:
                raise ValueError(f"{text!r} is no IP address or network") from None
        return value

    @property
    def url(self) -> str:
        """The public address without a slash at its end."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::", ""} else self.host  # noqa: S104 (compared, not bound)
        return self.public_url.rstrip("/") or f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


class EncoderSettings(Section):
    title_in_file = "[encoder]"
    about = "The model that turns texts into vectors."

    model: str = Field(
        default="bundled",
        min_length=1,
        description="`bundled` (the one that comes with the program), the name of a Sentence "
        "Transformers model, or a folder that holds one.",
    )
    threads: StrictInt = Field(
        default=0, ge=0, le=256, description="Threads for the model; 0 leaves one processor to everything else."
    )


class AnswersSettings(Section):
    title_in_file = "[answers]"
    about = "How sure an answer from the course must be before it is sent without a human."

    precision: float = Field(
        default=0.95,
        strict=True,
        ge=0.5,
        lt=1,
        description="The share of the sent answers that shall be right; what the model is less sure about is only "
        "suggested. The threshold follows from it and from the calibration (`floormic calibrate`).",
    )


class SessionSettings(Section):
    title_in_file = "[[session]]"
    about = "One talk; repeat the table for more of them. Without any there is one session called `talk`."

    id: Slug = Field(description="Short name in addresses (`/s/ID`): small letters, digits, `-` and `_`.")
    title: str = Field(min_length=1, max_length=200, description="What viewers read above the queue.")
    series: str = Field(
        default="",
        max_length=200,
        description="Name of the series the talk belongs to: it learns from the earlier ones.",
    )
    speaker: str = Field(default="", max_length=200, description="Who speaks.")
    language: Literal["zh", "en"] = Field(
        default="zh", description="Language of the pages and of what is said in the chats."
    )
    course: Path | None = Field(
        default=None, description="Folder of the course material, relative to this file. Leave it out if there is none."
    )
    starts_at: AwareDatetime | None = Field(
        default=None,
        description="When it starts: a TOML date and time with its offset, such as `2026-12-01T19:30:00+08:00`.",
    )
    review: StrictBool = Field(default=False, description="Show viewers a question only after a moderator approved it.")
    grouping: Mode = Field(
        default=Mode.AUTO,
        description="Putting same questions together: `off`, `suggest` (a moderator confirms) or `auto`.",
    )
    answers: Mode = Field(
        default=Mode.AUTO, description="Answers from the course: `off`, `suggest` (a moderator sends them) or `auto`."
    )
    acknowledgements: Literal["off", "auto"] = Field(
        default="auto", description="Telling askers in their chat that the question was taken up: `off` or `auto`."
    )

    def session(self) -> Session:
        """The session as the store keeps it (`ended_at` is not configured; the store knows it)."""
        return Session(
            id=self.id,
            title=self.title,
            series=self.series,
            speaker=self.speaker,
            starts_at=self.starts_at.timestamp() if self.starts_at else None,
            course=str(self.course) if self.course else "",
            language=self.language,
            review=self.review,
            grouping=self.grouping,
            answers=self.answers,
            acknowledgements=Mode(self.acknowledgements),
        )


class TelegramSettings(Section):
    title_in_file = "[telegram]"
    about = "A Telegram bot. Leave the table out to run without one."

    token: SecretStr = Field(
        default=SecretStr(""),
        description="The token itself. Discouraged: files get shared; name a variable or a file instead.",
    )
    token_env: str = Field(
        default=TELEGRAM_TOKEN, description="Environment variable that holds the token of @BotFather."
    )
    token_file: Path | None = Field(default=None, description="File that holds the token, relative to this file.")
    session: str = Field(default="", description="Id of the session its questions go to. Needed if there are several.")
    mode: Literal["polling", "webhook"] = Field(
        default="polling", description="`polling` needs no public address; `webhook` needs `web.public_url` with https."
    )
    every_message: StrictBool = Field(
        default=True,
        description="Look for questions in every message the bot may see, not only in `/ask` and mentions.",
    )
    base_url: str = Field(
        default=TELEGRAM_URL,
        pattern=r"^https?://[^\s?#]+$",
        description="Address of the Bot API; another one for tests.",
    )


class IntakeSettings(Section):
    title_in_file = "[[intake]]"
    about = "A signed way in for any other chat: `POST /in/NAME`. Repeat the table for more of them."

    name: Slug = Field(description="Name of the source, and the end of its address.")
    session: str = Field(default="", description="Id of the session its questions go to. Needed if there are several.")
    secret: SecretStr = Field(
        default=SecretStr(""),
        description="The shared secret itself, at least 16 characters. Discouraged, as with the token.",
    )
    secret_env: str = Field(default="", description="Environment variable that holds the secret.")
    secret_file: Path | None = Field(default=None, description="File that holds the secret, relative to this file.")


class Settings(Section):
    """The whole configuration. Paths are absolute, secrets are filled in from where they lie."""

    data: Path = Field(
        default=Path("data"),
        description="Folder of the database (`floormic.sqlite3`) and of the secret that signs links, relative to this "
        "file. It is made when missing. Keep it private, and keep copies of it.",
    )
    web: WebSettings = WebSettings()
    encoder: EncoderSettings = EncoderSettings()
    answers: AnswersSettings = AnswersSettings()
    sessions: tuple[SessionSettings, ...] = Field(default=(SessionSettings(id="talk", title="Talk"),), alias="session")
    telegram: TelegramSettings | None = None
    intakes: tuple[IntakeSettings, ...] = Field(default=(), alias="intake")
    _warnings: tuple[str, ...] = PrivateAttr(())

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is usable but probably not meant, each with its place."""
        return self._warnings

    @property
    def database(self) -> Path:
        return self.data / "floormic.sqlite3"

    @property
    def secret_file(self) -> Path:
        return self.data / "secret"


SECTIONS: dict[str, type[Section]] = {
    "web": WebSettings,
    "encoder": EncoderSettings,
    "answers": AnswersSettings,
    "session": SessionSettings,
    "telegram": TelegramSettings,
    "intake": IntakeSettings,
}
REPEATED = ("session", "intake")


def keys_of(section: type[Section]) -> list[str]:
    """The keys of a table as the file spells them, in order."""
    return [info.alias or name for name, info in section.model_fields.items()]
