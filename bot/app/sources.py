"""Every kind of source there is, and how a configured one is built. A new connector is one more entry of `KINDS`."""

from collections.abc import Callable, Sequence
from pathlib import Path

from bot.connectors import (
    bilibili,
    channels,
    dingtalk,
    discord,
    feishu,
    intake,
    kuaishou,
    satori,
    slack,
    telegram,
    tencent_classroom,
    wecom,
)
from bot.kinds import Kind, Surroundings
from bot.options import SourceOptions
from bot.ports import Connector, Now
from bot.settings import Settings, load_settings

KINDS: dict[str, Kind] = {
    module.KIND.name: module.KIND
    for module in (
        telegram,
        bilibili,
        wecom,
        channels,
        kuaishou,
        tencent_classroom,
        satori,
        feishu,
        dingtalk,
        discord,
        slack,
        intake,
    )
}
"""By name, in the order in which they are shown."""

Derive = Callable[[str], bytes]


def load(path: Path | None) -> Settings:
    """Read the configuration with every kind of source. Raises `SettingsError`."""
    return load_settings(path, kinds=[kind.options for kind in KINDS.values()])


def surroundings(settings: Settings, source: SourceOptions, now: Now, derive: Derive) -> Surroundings:
    language = next((s.language for s in settings.sessions if s.id == source.session), "zh")
    public_url = settings.web.public_url.rstrip("/")
    return Surroundings(now, public_url, language, lambda purpose: derive(f"{source.name} {purpose}"))


def make_connectors(settings: Settings, now: Now, derive: Derive) -> Sequence[Connector]:
    return [KINDS[source.kind].make(source, surroundings(settings, source, now, derive)) for source in settings.sources]
