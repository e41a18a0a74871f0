"""What the clock has done where several processes share it: each of these is one step, see `bot.ports.Chore`.

In one process the same steps are called by a loop each. What sets `woken` is the same, too: what this process did, and
what it hears of others. So with two of them both may queue a look, which costs one more look and changes nothing.
"""

from functools import partial

from bot.app.forgetting import forget_old
from bot.app.promoting import Promoting
from bot.ports import Chore, Forgetting, Now
from bot.reaching import AFTER, Reaching
from bot.rounds import Rounds
from bot.surveys import Surveys

FORGETTING = "17 */6 * * *"
"""As `forgetting.EVERY`."""

PAUSE = 1.0
"""Seconds in which what people do is one reason to look."""


def chores(
    store: Forgetting,
    keep_days: int,
    now: Now,
    *,
    reaching: Reaching,
    promoting: Promoting,
    surveys: Surveys,
    rounds: Rounds,
) -> list[Chore]:
    """`keep_days`: days after which people are forgotten, 0: never."""
    return [
        Chore("reaching", reaching.step, woken=reaching.woken, pause=AFTER),
        Chore("promoting", promoting.step, woken=promoting.woken, pause=PAUSE),
        Chore("surveys", surveys.look),
        Chore("rounds", rounds.step, woken=rounds.woken, pause=PAUSE),
        Chore("forgetting", partial(forget_old, store, keep_days, now), FORGETTING),
    ]
