"""Which question of the queue a new message repeats, if any.

`Groups.decide` only decides; `add`, `move` and `keep_apart` keep what was decided, by the machine or by people. A
decision depends on what is there, in order of arrival, and on nothing else.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from operator import itemgetter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.calibration import GroupingJudge, Judge
from knowledge.corrections import NEAR, Apart, Place, Precedents, by_group, limit, support
from knowledge.encoder import unreadable
from knowledge.filing import RECALLED, Filed, Filing
from knowledge.likeness import FEATURES, Likeness, Mean, Member, about, likeness, nearness, unit
from knowledge.logistic import chance_among
from knowledge.neighbours import DIGITS
from knowledge.reasons import SHOWN, Reason, odds, signs, strongest
from knowledge.text import normalise
from knowledge.usual import Seen, Usual
from knowledge.wording import kinds

CERTAIN = odds(1.0)

BARRED = 1e-9
"""What is left of a group's chance where people kept it apart for certain."""

FAINT = 0.01
"""A chance below which a group has nothing to give to another one that asks the same."""


class Anchor(Protocol):
    """A course, as it helps to tell questions apart (`Answering`)."""

    def profile(self, text: str, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """How near each sentence of the course is: shape (sentences,), at most of unit length."""
        ...

    def centred(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Without what all that is asked of this course has in common; of unit length."""
        ...


@dataclass(frozen=True, slots=True)
class Grouped:
    """`group` is the one to join (None: found a new one). `similarity` is the judged one, 0..1, to the best group there
    was (None: there was none). `suggested` is a group that may be the same but was not sure enough to join.
    """

    group: str | None
    similarity: float | None
    suggested: str | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class _View:
    """A place as one message sees it. `since`: its first message. `odds`: log odds that the message belongs there
    rather than nowhere. `alone`: the probability by its nearest wording and no other, 0 where nobody needs that.
    """

    place: Place
    since: int
    likeness: Likeness
    about: Mapping[str, str]
    odds: float
    alone: float


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A group as one message sees it: the best place `seen` in it, its score within what people `told`."""

    group: str
    seen: _View
    score: float
    told: tuple[Reason, ...]


class Groups:
    """The questions of one session as their wordings. Not for several threads at once.

    `judge` is the calibration for the encoder of the vectors. With an `anchor` the course helps to tell questions
    apart; without one only the words do. `precedents`: what people corrected in earlier sessions. Raises
    `CalibrationError` where the judge weighs other features than `Likeness`.
    """

    def __init__(
        self,
        dimension: int,
        judge: GroupingJudge,
        anchor: Anchor | None = None,
        precedents: Precedents | None = None,
    ) -> None:
        for each in (judge.words, judge.course):
            each.logistic.over(FEATURES, "grouping")
        self._judges = judge
        self._anchor = anchor
        self._filing = Filing(dimension)
        self._founded: set[str] = set()  # groups that the machine made
        self._usual = Usual(dimension, (judge.usual, judge.spread))
        self._precedents = precedents or Precedents()
        self._earlier = [self._seen(one.text, one.vector, None) for one in self._precedents.wordings]
        self._apart = self._precedents.apart

    def __len__(self) -> int:
        return len(self._filing)

    def anchor(self, anchor: Anchor | None) -> None:
        """The course changed: compare everything, what is there too, by the new one from now on."""
        self._anchor = anchor
        members = {key: filed.member for key, filed in self._filing.filed.items()}
        for member in (*self._earlier, *members.values()):
            member.vector, member.profile = self._centred(member.raw), self._profiled(member.text, member.raw)
        for key, member in members.items():
            self._filing.leave(key)
            member.near = self._nearness(member)
            self._filing.enter(key)
        self._filing.index()

    def keep_apart(self, apart: Apart) -> None:
        """People say that these groups are different questions; replaces what was said before in this session."""
        self._apart = {**self._precedents.apart, **apart}

    def add(
        self,
        key: int,
        group: str,
        text: str,
        vector: NDArray[np.float32],
        source: str | None,
        *,
        asker: str = "",
        first: str | None = None,
    ) -> None:
        """Keep a message, by a key that is new, as a wording of `group`; the group is made when it is new. `first` is
        the group that the machine had put it in, where people moved it since.
        """
        member = self._new(text, vector, source)
        self._filing.add(key, Filed(member, asker, Place(group, first or group)))
        if (first or group) not in self._founded:
            self._founded.add(first or group)
            if not unreadable(member.raw):
                self._usual.add(member.raw)

    def move(self, key: int, group: str) -> None:
        """A person says that this message is a wording of `group`. Raises `KeyError` for an unknown message."""
        self._filing.move(key, group)

    def decide(self, text: str, vector: NDArray[np.float32], source: str | None, asker: str = "") -> Grouped:
        """Join, found, or found and suggest. `source`: what of the course this message matches strongly, `asker`: who
        says it. What was said before, word for word, joins that; what nobody can read joins nothing else.
        """
        new = self._new(text, vector, source)
        if (key := self._filing.said_before(new.text, asker)) is not None:
            before = self._filing.filed[key]
            code = "own_repeat" if asker and before.asker == asker else "same_text"
            return Grouped(before.place.group, 1.0, None, (Reason(code, CERTAIN),))
        # Of whoever was forgotten there is no text, and the vector still says what they asked.
        if (text and not new.text) or unreadable(new.raw):
            return Grouped(None, None, None, (Reason("unreadable", -CERTAIN),))
        candidates = self._candidates(new)
        if not candidates:
            return Grouped(None, None, None, (Reason("first", -CERTAIN),))
        judge = self._judge()
        best = candidates[0]
        score = round(min(best.score + self._again(candidates), 1.0), DIGITS)
        joins = score >= judge.join
        barred = [] if joins else [r for other in candidates[1:] for r in other.told if r.code == "told_apart"]
        features = signs(judge.logistic, best.seen.likeness.features(), best.seen.about)
        features.append(Reason("asked_again", odds(score) - odds(best.score)))
        # What people said comes first, however heavy the machine's own signs are.
        reasons = (*best.told, *barred[:1], *strongest(features))[:SHOWN]
        suggested = best.group if not joins and score >= judge.suggest else None
        return Grouped(best.group if joins else None, score, suggested, reasons)

    def likeliest(self, keys: Collection[int], but: str) -> list[tuple[str, float]]:
        """Where people may move these messages, which are there: the groups other than `but` that they, as one wording,
        may belong to, the likeliest first, each with its probability if it is none of `but`. None where nobody can read
        them. Raises `KeyError`."""
        members = [self._filing.filed[key].member for key in sorted(keys)[:RECALLED]]
        members = [member for member in members if not unreadable(member.raw)]
        if not members:
            return []
        new = members[0] if len(members) == 1 else _as_one(members)
        places = [place for place in self._filing.candidates(new) if place.group != but]
        odds: dict[str, float] = {}
        for place, found in self._likenesses(new, places).items():
            odds[place.group] = max(self._judge().logistic.odds(found.features()), odds.get(place.group, -math.inf))
        chances = {
            group: chance_among(own, [other for name, other in odds.items() if name != group])
            for group, own in odds.items()
        }
        return sorted(chances.items(), key=lambda found: -found[1])

    def likenesses(self, text: str, vector: NDArray[np.float32], source: str | None) -> list[tuple[str, Likeness]]:
        """The groups that a message may join, and what it has in common with each (with each place, after people moved
        something)."""
        return [(view.place.group, view.likeness) for view in self._views(self._new(text, vector, source))]

    def _again(self, candidates: Sequence[_Candidate]) -> float:
        """What the best of the candidates gets from the others: of the chance that the message belongs to one of these,
        as much as that one is likely to ask the same as the best. A question that was founded twice would be in its own
        way, and be founded a third time.

        Nothing where people said something of these groups, for that holds; and with a course, of which all wordings of
        a question need the same, so that none is founded twice as often (docs/trials.md).
        """
        best, *others = candidates
        if self._anchor or best.told:
            return 0.0
        apart = self._apart.get(best.group, ())
        worth = [other for other in others if other.score >= FAINT and not other.told and other.group not in apart]
        return sum(other.score * self._same(best.seen.place, other.seen.place) for other in worth)

    # -- what people said --------------------------------------------------------------------------------------------

    def _candidates(self, new: Member) -> list[_Candidate]:
        """The best first; of equals the one that was there first."""
        groups: dict[str, list[_View]] = {}
        for view in sorted(self._views(new), key=lambda view: (-view.odds, view.since)):
            groups.setdefault(view.place.group, []).append(view)
        near = by_group({**new.near, **{v.place: v.alone for views in groups.values() for v in views}})
        held = {group: self._held(group) for group in groups}
        most = {group: limit(near, {group: 1.0, **by_group(held[group])}, self._apart) for group in groups}
        # One group takes nothing from another where people barred it.
        against = {group: views[0].odds + math.log(max(most[group], BARRED)) for group, views in groups.items()}
        found = []
        for group, views in groups.items():
            others = [logit for other, logit in against.items() if other != group]
            least = support(new.near, held[group])
            found.append(_candidate(group, views, others, round(least, DIGITS), round(most[group], DIGITS)))
        return sorted(found, key=lambda one: (-one.score, one.seen.since))

    def _held(self, group: str) -> dict[Place, float]:
        """How near a group's wordings are to the precedents of earlier sessions."""
        found: dict[Place, float] = {}
        for place in self._filing.places(group) if self._earlier else ():
            for member in self._filing.members(place):
                for earlier, p in member.near.items():
                    found[earlier] = max(p, found.get(earlier, 0.0))
        return found

    def _nearness(self, member: Member) -> dict[Place, float]:
        found: dict[Place, float] = {}
        for at in self._precedents.nearest(member.raw):
            place = self._precedents.wordings[at].place
            if (p := self._pair(member, self._earlier[at])) >= max(NEAR, found.get(place, 0.0)):
                found[place] = p
        return found

    # -- what the machine sees ---------------------------------------------------------------------------------------

    def _views(self, new: Member) -> list[_View]:
        judge = self._judge()
        return [
            _View(
                place,
                self._filing.keys(place)[0],
                found,
                about(new, self._filing.mean(place)),
                judge.logistic.odds(found.features()),
                self._alone(new, place) if place.group in self._apart else 0.0,
            )
            for place, found in self._likenesses(new, self._filing.candidates(new)).items()
        ]

    def _likenesses(self, new: Member, places: Iterable[Place]) -> dict[Place, Likeness]:
        """What a message has in common with each of these places, as if there were no others."""
        judge = self._judge()
        seen = None if self._anchor else self._usual.see(new.raw)
        means = {place: self._filing.mean(place) for place in places}
        cosines = {place: nearness(new, mean, seen) for place, mean in means.items()}
        first_two = nlargest(2, by_group(cosines).items(), key=itemgetter(1))
        likenesses = {}
        for place, mean in means.items():
            others = (cosine for group, cosine in first_two if group != place.group)
            # Without the floor the first question of an evening, which anything is nearest to, would take all.
            ahead = cosines[place] - max((judge.unrelated, *others))
            likenesses[place] = likeness(new, mean, seen=seen, ahead=ahead)
        return likenesses

    def _alone(self, new: Member, place: Place) -> float:
        """The probability that a message asks what the nearest wording of a place asks."""
        return max(self._pair(new, other) for other in self._filing.members(place))

    def _pair(self, new: Member, other: Member) -> float:
        """The probability that a message asks what one other asks; 1 where it says the same."""
        if new.text and new.text == other.text:
            return 1.0
        # Whatever else is asked here; so nothing is common.
        seen = None if self._anchor else Seen(new.raw, np.zeros_like(new.raw), self._usual.anywhere)
        return self._judge().logistic.probability(likeness(new, Mean.of([other]), seen=seen).features())

    def _same(self, one: Place, other: Place) -> float:
        """The probability that a place asks what another one asks, by their mean wordings and as if no third question
        were there; without a course."""
        judge, mean = self._judge(), self._filing.mean(one)
        new = _said_as(self._filing.mean(other))
        seen = self._usual.see(new.raw)
        ahead = nearness(new, mean, seen) - judge.unrelated
        return judge.logistic.probability(likeness(new, mean, seen=seen, ahead=ahead).features())

    def _judge(self) -> Judge:
        return self._judges.course if self._anchor else self._judges.words

    def _new(self, text: str, vector: NDArray[np.float32], source: str | None) -> Member:
        member = self._seen(text, vector, source)
        member.near = self._nearness(member)
        return member

    def _seen(self, text: str, vector: NDArray[np.float32], source: str | None) -> Member:
        raw = np.ascontiguousarray(vector, dtype=np.float32)
        plain = normalise(text)
        return Member(plain, kinds(text), source, self._centred(raw), self._profiled(plain, raw), raw)

    def _centred(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        # A group that people made may hold something that cannot be read: it adds nothing to what that is on the whole.
        return self._anchor.centred(vector) if self._anchor and not unreadable(vector) else vector

    def _profiled(self, text: str, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._anchor.profile(text, vector) if self._anchor else np.zeros(1, dtype=np.float32)


def _said_as(mean: Mean, source: str | None = None) -> Member:
    """What wordings are on the whole, as if somebody had said it."""
    return Member("", mean.kinds, source, mean.vector, mean.profile, unit(mean.raw))


def _as_one(members: Sequence[Member]) -> Member:
    """Two at least, which may match something of the course that most of them match."""
    sources = Counter(member.source for member in members if member.source).most_common(1)
    return _said_as(Mean.of(members), sources[0][0] if sources else None)


def _candidate(group: str, views: Sequence[_View], others: Sequence[float], least: float, most: float) -> _Candidate:
    """`views` of its places, the best first; `others`: the log odds of the other groups; `least` and `most` are what
    people said leaves."""
    best, told = views[0], []
    score = chance_among(best.odds, others)
    if best.place.told:
        by_machine = max((chance_among(view.odds, others) for view in views if not view.place.told), default=0.0)
        told.append(Reason("told_same", odds(score) - odds(by_machine)))
    if least > score:
        told.append(Reason("told_same", odds(least) - odds(score)))
        score = least
    if most < score:
        told.append(Reason("told_apart", odds(most) - odds(score)))
        score = most
    return _Candidate(group, best, score, tuple(told))


def gathered(texts: Sequence[str], vectors: NDArray[np.float32], judge: GroupingJudge) -> list[int]:
    """The number of the group of each text, decided in the order in which they are given: the place of the group's
    first text. `vectors` has shape (texts, dimension). A text of which nothing is left in its normal form (an emoji,
    say) is alone: its vector says nothing."""
    groups = Groups(vectors.shape[1], judge)
    found: list[int] = []
    for at, (text, vector) in enumerate(zip(texts, vectors, strict=True)):
        if not normalise(text):
            found.append(at)
            continue
        joined = groups.decide(text, vector, None).group or str(at)
        groups.add(at, joined, text, vector, None)
        found.append(int(joined))
    return found
