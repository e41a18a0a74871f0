"""What a survey brought, as a report tells it."""

from bot.model import Poll, PollKind, PollState, PollText, SurveyState, Turnout
from bot.report import feedback_of
from bot.report.tallies import TEXTS
from bot.surveying import asked, checked, feedback


def test_a_report_tells_what_a_survey_brought() -> None:
    """Ratings with their mean, texts by their groups and no more than fit, who answered of those who took part."""
    items = (
        PollState("", "", PollKind.SCALE, "How was it?", ends=("bad", "good")),
        PollState("", "", PollKind.OPEN, "What next?"),
    )
    survey = checked(SurveyState("talk", "Afterwards", items))
    rating, text = asked(survey)
    texts = [PollText(f"t{n}", f"Text {n}", 1) for n in range(2 * TEXTS)]
    results = [Poll(rating, 3, {4: 2, 1: 1}), Poll(text, 2 * TEXTS, texts=tuple(texts))]
    groups = {text.id: [0, 0, *range(2, 2 * TEXTS)]}
    found = feedback_of(
        feedback(survey, results, (70, [Turnout("web", 9, 4, 64), Turnout("qq", 0, 0, 2)]), groups), results
    )
    assert (found.title, found.n, found.chats) == ("Afterwards", 70, (("web", 4, 9),))
    rated, said = found.items
    assert (rated.bars[3], rated.mean, rated.ends) == (("4", 2), 3.0, ("bad", "good"))
    assert said.texts[:2] == (("Text 0", 2), ("Text 2", 1))
    assert len(said.texts) == TEXTS
