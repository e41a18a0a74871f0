"""What it means to forget a person. Pure: decides how what was theirs is written anew; the store carries it out.

Whoever is forgotten stays a number: everything that was theirs goes to a random name (`GONE` and what follows), so that
people, groups and votes are counted as before, and nothing says who it was. The random name leads back to nobody.
"""

import json
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bot.fitting import ELLIPSIS
from bot.model import Address, LastLook, Person, title_of
from bot.polling import unsaid
from bot.replies import unnamed
from knowledge.text import whole_word

REMOVED = "[removed]"
GAP, GRACE = 31 * 86_400.0, 86_400.0
"""Seconds that the clock goes on between two looks before it may be wrong, and for which nothing is forgotten then."""

TELLING = 8
"""Characters of a text that nobody else says by chance."""

SHORTEST_CUT = 36
"""Characters that are left at least where a text is cut, anywhere (`rounds.words`: 40 with the ellipsis)."""

_QUOTING = "(?:(?<=: )|(?<=：)|(?<=： )|(?<=## ))"
"""Where what is quoted begins, in a chat or in an entry of an FAQ. A short text is part of others' by chance: it is
taken out there alone."""

COUNTED = ("ack", "answer", "course", "reason")
"""Deliveries whose keys name a question; they count in figures, and keep doing so."""


@dataclass(slots=True)
class Scrubbing:
    """How the words of one person are taken out of what others were told. `texts` are what they asked, as far as
    nobody else said just that; `chats` those in which they alone read. `worded` is what staff wrote of their evenings
    in the place of what is said after a talk. `titles` maps a question whose title was theirs to the title and the
    first wording that stand there now, `kept` the key of an answer that a group still waits for to the one it has
    now. `keys` and `words` are what they alone voted in each poll in words of their own, as it is counted and as it is
    told."""

    person: Person
    gone: str
    texts: Sequence[str]
    names: Sequence[str]
    chats: Collection[tuple[str, str]] = ()
    worded: Collection[str] = ()
    titles: dict[str, tuple[str, str]] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    keys: Mapping[str, Collection[str]] = field(default_factory=dict)
    words: Mapping[str, Collection[str]] = field(default_factory=dict)
    wordings: set[str] = field(init=False)
    """What they asked, also as a title has it."""

    _words: set[str] = field(init=False)
    _lengths: dict[str, set[int]] = field(init=False)
    """Of the words, how long those may be that begin with these characters."""

    _sorted: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.wordings = {*self.texts, *(title_of(text) for text in self.texts)}
        lines = [" ".join(text.split()) for text in self.texts]
        self._words = {*self.wordings, *lines} - {""}
        self._sorted = sorted(self._words)
        self._lengths = defaultdict(set)
        for words in self._words:
            if len(words) >= TELLING:
                self._lengths[words[:TELLING]].add(len(words))

    def text(self, said: str) -> str:
        """Without the person's words, and without their name where it can be nothing else: among those who asked, and
        in what staff worded."""
        worded = said in self.worded
        for words in sorted(self._among(said) | self._cut(said), key=len, reverse=True):
            wanted = re.escape(words) if len(words) >= TELLING else f"{_QUOTING}{re.escape(words)}$"
            said = re.sub(wanted, REMOVED, said, flags=re.MULTILINE)
        for name in sorted((name for name in self.names if name in said), key=len, reverse=True):
            said = unnamed(said, name, REMOVED)
        return nameless(said, self.names) if worded else said

    def _among(self, said: str) -> set[str]:
        """Which of the person's words it may hold. They are looked up, not tried one by one: whoever asked thousands of
        times was told thousands of times, too."""
        spans = [(at, n) for at in range(len(said)) for n in self._lengths.get(said[at : at + TELLING], ())]
        spans += [(begin.end(), n) for begin in re.finditer(_QUOTING, said) for n in range(1, TELLING)]
        return {said[at : at + n] for at, n in spans} & self._words

    def _cut(self, said: str) -> set[str]:
        """What it holds of the person's words that were cut: what stands before an ellipsis and is how they began."""
        ends = [found.start() for found in re.finditer(ELLIPSIS, said)]
        begins = (at for at in range(ends[-1]) if said[at : at + TELLING] in self._lengths) if ends else ()
        return {said[at : end + 1] for at in begins if (end := self._end(said, at, ends))}

    def _end(self, said: str, at: int, ends: Sequence[int]) -> int:
        """The last of these that stands behind a beginning of the words; 0 where none does."""
        for end in reversed(ends[bisect_left(ends, at + SHORTEST_CUT) :]):
            next_words = self._sorted[bisect_left(self._sorted, said[at:end]) :][:1]
            if next_words and next_words[0].startswith(said[at:end]):
                return end
        return 0

    def change(self, stored: str) -> str:
        """A row of the ledger as JSON: the titles as they are now, no name, no address, nobody's words of theirs."""
        change = json.loads(stored)
        change["who"] = self.who(change["who"])
        for pair in change.get("questions", ()):
            for state in pair:
                if state is not None:
                    self._state(state)
        change["deliveries"] = [
            self._delivery(one)
            for one in change.get("deliveries", ())
            if one["key"] in self.kept or not self.addressed(one.get("address"))
        ]
        for pair in change.get("polls", ()):
            for state in filter(None, pair):
                self.poll(state)
        for pair in change.get("duties", ()):
            for one in pair:
                one["text"] = self.text(one["text"])
        return json.dumps(change, ensure_ascii=False)

    def _delivery(self, said: dict[str, Any]) -> dict[str, Any]:
        """As it is in the outbox, so that it can still be taken back."""
        now = {**said, "text": self.told(said["key"], said["text"])}
        if now.get("poll"):
            self.poll(now["poll"])
        if said["key"] not in self.kept:
            return now
        address = gone_address(Address(**said["address"]), self.gone)
        return {**now, "key": self.kept[said["key"]], "address": asdict(address) if address else None}

    def told(self, key: str, said: str) -> str:
        """What a delivery of this key said to others; what a poll brought is told without their words."""
        kind, _, rest = key.partition(":")
        if kind == "poll":
            said = unsaid(said, self.words.get(rest.partition(":")[0], ()), REMOVED)
        return self.text(said)

    def poll(self, state: dict[str, Any]) -> None:
        """A poll as JSON: what staff hid of theirs stays hidden, in no words, and nothing of anybody else's with it;
        the same in every state of it, so that undo finds what it compares."""
        keys = self.keys.get(state["id"], ())
        state["muted"] = [self.gone if key in keys else key for key in state["muted"]]

    def who(self, who: str) -> str:
        """Who did it, where that was this person in the audience."""
        mine = {f"{self.person.source}:{name}" for name in (*self.names, self.person.id)}
        return f"{self.person.source}:{REMOVED}" if who in mine else who

    def addressed(self, address: Mapping[str, Any] | None) -> bool:
        """Whether it is for this person."""
        if address is None:
            return False
        to = (address["connector"], address["user"])
        return to == (self.person.source, self.person.id) or (address["connector"], address["chat"]) in self.chats

    def _state(self, state: dict[str, Any]) -> None:
        if state["id"] in self.titles:
            state["title"], state["original"] = (self.title(state["id"], state[name]) for name in ("title", "original"))

    def title(self, question: str, text: str) -> str:
        """What stands for a title or first wording of a question that may be this person's words."""
        title, original = self.titles[question]
        return (title if text == title_of(text) else original) if text in self.wordings else text


def next_look(last: LastLook, now: float) -> LastLook:
    """The look after `last`. A clock that stands a year ahead would have everybody forgotten at once and for ever: so
    where it went on by more than the program is off as a rule, somebody gets the time to see it. Put right meanwhile,
    it is as if nothing had been. Where a machine starts with a clock that is far behind, each start waits a day."""
    if now - last.at <= GAP:
        return LastLook(now)
    held = last.held if last.held is not None and now - GAP <= last.held <= now else now
    return LastLook(now) if now - held >= GRACE else LastLook(last.at, held)


def nameless(said: str, names: Iterable[str]) -> str:
    """What staff worded, without these names; one of a single character is a word too often."""
    for name in sorted((name for name in names if len(name) > 1 and name in said), key=len, reverse=True):
        said = whole_word(name).sub(REMOVED, said)
    return said


def gone_address(address: Address | None, gone: str) -> Address | None:
    """Where nothing leads any more; a group stays, for it is not the person's."""
    if address is None:
        return None
    alone = address.private and (address.connector != "web" or address.chat == address.user)
    return Address(address.connector, gone if alone else address.chat, "", gone, address.private)


def gone_key(key: str, address: Address, gone: str, number: int) -> str:
    """A key of a delivery without the person's chat and message; the question and a group stay."""
    kind, _, rest = key.partition(":")
    if kind not in COUNTED:
        return f"{kind}:{gone}:{number}"
    question = rest.partition(":")[0]
    now = gone_address(address, gone) or address
    main = f"{kind}:{question}:{address.connector}:{now.chat}"
    whole = key == f"{kind}:{question}:{address.connector}:{address.chat}"
    return main if whole else f"{main}:{gone}-{number}"
