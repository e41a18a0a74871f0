"""Builds what a hall tells by itself after a talk."""

from collections.abc import Callable, Mapping, Sequence

from bot.model import Abilities, Address, Delivery, Session
from bot.ports import Now, Store
from bot.quiet import direct, held_until, next_allowed
from bot.rounds import Rounds, Summary, Telling
from bot.settings import AfterSettings, Settings


def make_rounds(
    settings: Settings,
    store: Store,
    now: Now,
    *,
    able: Callable[[], Mapping[str, Abilities]],
    staff: Callable[[Address], bool],
    feeds: Callable[[str], str],
    page: Callable[[str], str],
    summary: Summary,
    changed: Callable[[str, str], None],
    sending: Callable[[], None],
) -> Rounds:
    """`able`: what each chat that can be written to is able to do, by connector. `feeds` names the session that a
    source feeds now; `page` is the address of a session's page, `summary` its report in a few lines."""
    after = settings.after

    staffed = [one for one in settings.sources if one.staff and after.report_to in {"", one.name}]

    async def organisers(session: str) -> Sequence[Address]:
        """A source that feeds the next talk by now is still that of this one, where it brought something of it."""
        now = {one.name for one in staffed if after.report_to or feeds(one.name) == session}
        brought = await store.brought(session, [one.name for one in staffed if one.name not in now])
        return [Address(one.name, one.staff, private=False) for one in staffed if one.name in now | brought]

    telling = Telling(
        store,
        now,
        after.hours,
        digest_at=after.digest_when,
        report_at=after.report_when,
        able=able,
        staff=staff,
        organisers=organisers,
        page=page,
        summary=summary,
    )
    return Rounds(store, now, after.hours, changed=changed, sending=sending, planners=[telling.plan])


def holding(after: AfterSettings) -> Callable[[Delivery, float], float]:
    """From when on what is due now may go."""
    return lambda delivery, now: held_until(delivery, now, after.hours, answers=after.answers_at_night)


def answers_at(after: AfterSettings) -> Callable[[Session, float, float], float]:
    """When an answer, given now to what was asked last at that time, may reach people."""

    def at(session: Session, asked_at: float, now: float) -> float:
        if after.answers_at_night or direct(session, asked_at, now):
            return now
        return next_allowed(now, after.hours)

    return at
