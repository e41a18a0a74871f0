"""What stood before a line."""

from hypothesis import given
from hypothesis import strategies as st

from knowledge.calibration import bundled_calibration
from knowledge.context import EMPTY, KEPT, Context, Line, Recent

LINES = st.builds(Line, st.sampled_from("ab"), st.sampled_from("xyz"), st.floats(0, 1000))
DECIDED = st.lists(st.tuples(LINES, st.booleans(), st.floats(0, 1)), max_size=30)


def heard(*lines: tuple[Line, bool, float]) -> Recent:
    recent = Recent()
    for line in lines:
        recent.add(*line)
    return recent


def test_nothing_known_is_the_usual() -> None:
    """Without a chat each feature is 0, and there are as many as names."""
    assert EMPTY.features().tolist() == [0.0] * Context.SIZE
    assert len(Context.NAMES) == Context.SIZE


def test_what_stood_before_weighs_in_what_ships() -> None:
    """Each of its features, in the judgement whether a line asks."""
    weights = bundled_calibration().asking.full.weights
    assert all(abs(weights[name]) > 0.01 for name in Context.NAMES)


def test_an_asking_of_another_fades() -> None:
    """The sooner after another viewer's asking in this chat, the greater; own askings and other chats do not count."""
    asked = heard((Line("a", "x", 100.0), True, 0.9))
    soon, late = (asked.before(Line("a", "y", at)).just_asked for at in (101.0, 400.0))
    nobody = heard().before(Line("a", "y", 101.0)).just_asked
    assert soon > late > nobody
    assert asked.before(Line("a", "x", 101.0)).just_asked == nobody
    assert asked.before(Line("b", "y", 101.0)).just_asked == nobody


def test_who_asked_before_is_told_from_who_chatted() -> None:
    """Somebody who spoke before is known, and by how much of that asked something."""
    recent = heard((Line("a", "x", 1.0), True, 0.9), (Line("a", "y", 2.0), False, 0.1))
    asker, talker, newcomer = (recent.before(Line("a", who, 3.0)) for who in "xyz")
    assert asker.spoke == talker.spoke > newcomer.spoke
    assert asker.author_asks > newcomer.author_asks > talker.author_asks


def test_times_of_questions_are_told_from_times_of_chatter() -> None:
    """After ten questions of others more is to be expected than after ten lines of chatter."""
    quiet, busy = (heard(*[(Line("a", f"u{n}", n), p > 0.5, p) for n in range(10)]) for p in (0.1, 0.9))
    here = Line("a", "me", 20.0)
    assert busy.before(here).chat_asks > 0 > quiet.before(here).chat_asks


@given(DECIDED, DECIDED, LINES)
def test_only_the_last_lines_count(long_ago: list[tuple[Line, bool, float]], lines: list, line: Line) -> None:  # type: ignore[type-arg]
    """What lies further back than what is remembered changes nothing, so a restart needs no more than that."""
    filler = [(Line("a", "z", 5.0), False, 0.2)] * (KEPT - len(lines))
    assert heard(*long_ago, *filler, *lines).before(line) == heard(*filler, *lines).before(line)
