"""What can be set: one frozen model for each table of the file. The descriptions are the documentation."""

import ipaddress
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AwareDatetime,
    Field,
    PrivateAttr,
    SecretStr,
    StrictBool,
    StrictInt,
    field_validator,
)

from bot.model import Mode, Session, SurveyWhen
from bot.options import Section, Slug, SourceOptions, secret
from bot.quiet import Hours, When, minutes_of, when_of


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
    drain: StrictInt = Field(
        default=0,
        ge=0,
        le=60,
        description="Seconds that a process goes on serving pages after it was told to stop, while `/readyz` says so: "
        "as long as a proxy before several processes takes to send nobody there any more. 0 where there is only one "
        "process.",
    )

    metrics: tuple[str, ...] = Field(
        default=("127.0.0.0/8", "::1"),
        description="Addresses or networks that may read `/metrics` and the details of `/readyz`. What a proxy "
        "forwards is never taken for this machine.",
    )
    metrics_token: SecretStr = secret(
        "Who sends it as `Authorization: Bearer …` may read them from anywhere.",
        variable="FLOORMIC_METRICS_TOKEN",
        needed=False,
        made_here=True,
    )

    @field_validator("trusted_proxies", "metrics")
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


class LogSettings(Section):
    title_in_file = "[log]"
    about = "What the running program writes to standard error: see [Watching](watching.md)."

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="From which level on. Only `debug` may show what people wrote, in the words of libraries and of "
        "errors.",
    )
    format: Literal["text", "json"] = Field(
        default="text", description="Lines for people (`text`), or one JSON object a line (`json`)."
    )


class LimitsSettings(Section):
    title_in_file = "[limits]"
    about = "How much may come from one address. A hall behind one router has one address, so leave room for all in it."

    people: StrictInt = Field(
        default=1000,
        ge=1,
        le=1_000_000,
        description="People that may ask or vote for the first time from one address at once; after them two a second, "
        "and three times as many from one network. More lets one person vote more often by clearing cookies.",
    )
    requests: StrictInt = Field(
        default=300,
        ge=1,
        le=1_000_000,
        description="Questions, votes and whatever else is sent from one address a second; ten times as many at once, "
        "and three times as many from one network.",
    )


class EncoderSettings(Section):
    title_in_file = "[encoder]"
    about = "The model that turns texts into vectors."

    model: str = Field(
        default="bundled",
        min_length=1,
        description="`bundled` (the one that comes with the program), `bundled-int8` (the same in whole numbers, "
        "quicker where the processor has VNNI), the name of a Sentence Transformers model, a folder that holds one, or "
        "`unix:` and the socket of a `floormic encoder`, which several processes share. After another model "
        "`floormic reencode` makes the vectors in the database anew and `floormic calibrate` the thresholds. A model "
        "that reads few tokens (128 is common) loses the end of long messages.",
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


class AfterSettings(Section):
    title_in_file = "[after]"
    about = (
        "What is told by itself when a talk is over, and when nothing is: see [After the talk](after.md). A session "
        "may have modes of its own."
    )

    zone: str = Field(
        default="",
        description="Time zone of all times of the day, here and in reports, such as `Asia/Shanghai`. Empty: that of "
        "this machine.",
    )
    quiet: str = Field(
        default="22:00-08:00",
        description="Quiet hours: nothing that comes by itself is sent, and no late answers. Empty: none.",
    )
    morning: str = Field(
        default="09:00", description="When that goes out which would have come by itself in the quiet hours."
    )
    digest: Mode = Field(
        default=Mode.SUGGEST,
        description="Thanks, the answers that most people wanted and the next evening, to every chat: `off`, `suggest` "
        "(a moderator sends it) or `auto`.",
    )
    digest_at: str = Field(
        default="+30",
        description="When: minutes after the end (`+30`) or a time of the day (`21:45`); also of the personal ones.",
    )
    personal: Mode = Field(
        default=Mode.AUTO,
        description="What became of their own questions, to everybody who asked and can be told in private: `off`, "
        "`suggest` or `auto`.",
    )
    report: Mode = Field(
        default=Mode.AUTO,
        description="The evening in figures and a link to the report, to the organisers' chat: `off`, `suggest` or "
        "`auto`.",
    )
    report_at: str = Field(default="+15", description="When, as in `digest_at`.")
    report_to: str = Field(
        default="",
        description="Name of the source whose staff's chat gets the report. Empty: the staff's chats of all sources "
        "that feed the session or brought something of it.",
    )
    answers_at_night: StrictBool = Field(
        default=False,
        description="Also bring answers to the askers in the quiet hours, long after they asked. While the talk runs, "
        "and half an hour after a question, answers always go at once.",
    )

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value:
            zone_of(value)
        return value

    @field_validator("quiet")
    @classmethod
    def _from_to(cls, value: str) -> str:
        if value:
            _quiet_of(value)
        return value

    @field_validator("morning")
    @classmethod
    def _of_the_day(cls, value: str) -> str:
        minutes_of(value)
        return value

    @field_validator("digest_at", "report_at")
    @classmethod
    def _after_or_of_the_day(cls, value: str) -> str:
        when_of(value)
        return value

    @property
    def hours(self) -> Hours:
        begin, end = _quiet_of(self.quiet) if self.quiet else (0, 0)
        return Hours(begin, end, minutes_of(self.morning), zone_of(self.zone) if self.zone else None)

    @property
    def digest_when(self) -> When:
        return when_of(self.digest_at)

    @property
    def report_when(self) -> When:
        return when_of(self.report_at)


def zone_of(name: str) -> ZoneInfo:
    """Raises `ValueError`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone; name one such as Asia/Shanghai or Europe/Berlin") from error


def _quiet_of(text: str) -> tuple[int, int]:
    """Begin and end in minutes after midnight. Raises `ValueError`."""
    begin, dash, end = text.partition("-")
    if not dash:
        raise ValueError(f"{text!r} is no time from one hour to another, such as 22:00-08:00")
    return minutes_of(begin), minutes_of(end)


class PrivacySettings(Section):
    title_in_file = "[privacy]"
    about = "How long it is known who said something."

    keep_days: StrictInt = Field(
        default=0,
        ge=0,
        le=36_500,
        description="Days after the last message of an evening until everybody of it is forgotten: names, ids, "
        "addresses, and texts that founded no question. Counts, questions and answers stay. 0 keeps everything.",
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
        default="zh",
        description="Language of what is said in the chats, and of the pages for whoever asks for neither Chinese nor "
        "English.",
    )
    course: Path | None = Field(
        default=None, description="Folder of the course material, relative to this file. Leave it out if there is none."
    )
    starts_at: AwareDatetime | None = Field(
        default=None,
        description="When it starts: a TOML date and time with its offset, such as `2026-12-01T19:30:00+08:00`.",
    )
    review: StrictBool = Field(default=False, description="Show viewers a question only after a moderator approved it.")
    ledger: StrictBool = Field(default=False, description="Let everybody read which questions were dismissed, and why.")
    names: StrictBool = Field(
        default=True,
        description="Let reports name who asked and who answered. Where one session of a series says `false`, the "
        "report of the series names nobody.",
    )
    slow: StrictInt = Field(
        default=0,
        ge=0,
        le=3600,
        description="Slow mode: seconds that one person waits between two questions; 0 is off. A moderator can switch "
        "it on the board. What somebody asks too soon in a chat is kept and founds no question.",
    )
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
    memory: Mode = Field(
        default=Mode.AUTO,
        description="What a person answered on an earlier evening of the series: `off`, `suggest` (a moderator sends "
        "it) or `auto`.",
    )
    promoting: Mode = Field(
        default=Mode.SUGGEST,
        description="Writing what a person answered into the course's `faq.md`: `off` (only what somebody proposes), "
        "`suggest` (each is proposed, an organiser accepts) or `auto` (each is written).",
    )
    survey: SurveyWhen = Field(
        default=SurveyWhen.OFF,
        description="Opening the survey after the talk by itself: `off` or `at_end` (when the talk was ended).",
    )
    digest: Mode | None = Field(default=None, description="As in `[after]`, for this session.")
    personal: Mode | None = Field(default=None, description="As in `[after]`, for this session.")
    report: Mode | None = Field(default=None, description="As in `[after]`, for this session.")

    def session(self, after: AfterSettings) -> Session:
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
            ledger=self.ledger,
            slow=self.slow,
            grouping=self.grouping,
            answers=self.answers,
            acknowledgements=Mode(self.acknowledgements),
            memory=self.memory,
            promoting=self.promoting,
            survey=self.survey,
            digest=self.digest or after.digest,
            personal=self.personal or after.personal,
            report=self.report or after.report,
            names=self.names,
        )


class Settings(Section):
    """The whole configuration. Paths are absolute, secrets are filled in from where they lie."""

    data: Path = Field(
        default=Path("data"),
        description="Folder of the database (`floormic.sqlite3`) and of the secret that signs links, relative to this "
        "file. It is made when missing. Keep it private, and keep copies of it (`floormic backup`).",
    )
    database_url: SecretStr = Field(
        default=SecretStr(""),
        alias="database",
        description="Address of a PostgreSQL database in the place of the file, so that several processes can share "
        "it: `postgresql://USER:PASSWORD@HOST/NAME`; see [Moving to PostgreSQL](moving.md).",
        json_schema_extra={"variable": "FLOORMIC_DATABASE"},
    )
    backups: Path = Field(
        default=Path("backups"),
        description="Folder in which `floormic backup` writes and `floormic doctor` looks, relative to this file. It "
        "is made when missing. Another disk or machine is better.",
    )
    web: WebSettings = WebSettings()
    limits: LimitsSettings = LimitsSettings()
    log: LogSettings = LogSettings()
    encoder: EncoderSettings = EncoderSettings()
    answers: AnswersSettings = AnswersSettings()
    after: AfterSettings = AfterSettings()
    privacy: PrivacySettings = PrivacySettings()
    sessions: tuple[SessionSettings, ...] = Field(default=(SessionSettings(id="talk", title="Talk"),), alias="session")
    sources: tuple[SourceOptions, ...] = ()
    """Not a table of this name: each source is one of its kind's."""
    _warnings: tuple[str, ...] = PrivateAttr(())

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError(
                "must be an address postgresql://USER:PASSWORD@HOST/NAME; leave it out for a file in `data`"
            )
        return value

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is usable but probably not meant, each with its place."""
        return self._warnings

    @property
    def database(self) -> Path:
        return self.data / "floormic.sqlite3"

    @property
    def postgres(self) -> str:
        """The address of the database where it is PostgreSQL; "" where it is the file `database`."""
        return self.database_url.get_secret_value()

    @property
    def store(self) -> Path | str:
        """Where everything is kept: the address of PostgreSQL, or the file."""
        return self.postgres or self.database

    @property
    def secret_file(self) -> Path:
        return self.data / "secret"


SECTIONS: dict[str, type[Section]] = {
    "web": WebSettings,
    "limits": LimitsSettings,
    "log": LogSettings,
    "encoder": EncoderSettings,
    "answers": AnswersSettings,
    "after": AfterSettings,
    "privacy": PrivacySettings,
    "session": SessionSettings,
}
REPEATED = ("session",)


def keys_of(section: type[Section]) -> list[str]:
    """The keys of a table as the file spells them, in order; a secret may also be in a variable or a file."""
    keys = []
    for name, info in section.model_fields.items():
        key = info.alias or name
        if not (section is Settings and name == "sources"):
            keys += [key]
        if info.annotation is SecretStr:
            keys += [f"{key}_env", f"{key}_file"]
    return keys
