"""Where each message of a session counts, and how the places that a new one may belong to are found."""

from bisect import insort
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from knowledge.corrections import Place, by_group
from knowledge.encoder import unreadable
from knowledge.likeness import Mean, Member
from knowledge.neighbours import Neighbours

NEAREST = 24
"""Messages whose places are looked at."""

PLACES = 8
"""Places that must be among these, or twice as many messages are looked at: a question that was asked forty times would
hide all others."""

RECALLED = 50
"""Messages of a place that its mean is taken over: its first ones, so that a flood does not cost."""

Mark = tuple[str, str]
"""What a message is found by beside its vector, if it can be read: ("source", id) or ("precedent", group of an earlier
session)."""


@dataclass(slots=True)
class Filed:
    """A message where it counts. `asker` is "" where nobody knows who said it."""

    member: Member
    asker: str
    place: Place


@dataclass(slots=True)
class _Held:
    """The messages of one place, by key in order of arrival, how often each mark is there, and what they are on the
    whole, as far as somebody wanted to know."""

    keys: list[int] = field(default_factory=list)
    marks: Counter[Mark] = field(default_factory=Counter)
    mean: Mean | None = None


class Filing:
    """What it holds does not depend on the order of moves: filed anew from where all lies, it is the same."""

    def __init__(self, dimension: int) -> None:
        self.filed: dict[int, Filed] = {}
        self._dimension = dimension
        self._neighbours = Neighbours(dimension)
        self._places: dict[Place, _Held] = {}
        self._groups: dict[str, set[Place]] = {}
        self._marked: dict[Mark, set[Place]] = {}
        self._by_text: dict[str, list[int]] = {}

    def __len__(self) -> int:
        """How many groups there are."""
        return len(self._groups)

    def add(self, key: int, filed: Filed) -> None:
        """Raises `ValueError` for a key that is there already."""
        if key in self.filed:
            raise ValueError(f"message {key} is there already")
        self.filed[key] = filed
        self._show(key)
        insort(self._by_text.setdefault(filed.member.text, []), key)
        self.enter(key)

    def index(self) -> None:
        """The vectors of the members changed: find by the new ones from now on."""
        self._neighbours = Neighbours(self._dimension)
        for key in self.filed:
            self._show(key)

    def _show(self, key: int) -> None:
        """Near to what it may be. What cannot be read is found by its text alone."""
        if not unreadable((member := self.filed[key].member).raw):
            self._neighbours.add(key, member.vector)

    def move(self, key: int, group: str) -> None:
        """Raises `KeyError`."""
        self.leave(key)
        self.filed[key].place = Place(group, self.filed[key].place.first)
        self.enter(key)

    def keys(self, place: Place) -> Sequence[int]:
        """In order of arrival."""
        return self._places[place].keys

    def members(self, place: Place) -> list[Member]:
        """The first ones, in order of arrival."""
        return [self.filed[key].member for key in self._places[place].keys[:RECALLED]]

    def mean(self, place: Place) -> Mean:
        """Of the first ones; of numbers in order of arrival, so that it does not depend on moves."""
        held = self._places[place]
        if held.mean is None:
            held.mean = Mean.of(self.members(place))
        return held.mean

    def places(self, group: str) -> Iterable[Place]:
        return self._groups[group]

    def candidates(self, new: Member) -> list[Place]:
        """The places of the nearest messages, nearest first, then those that share a mark."""
        count = NEAREST
        while True:
            keys = self._neighbours.nearest(new.vector[None], count)[0][0].tolist()
            found = dict.fromkeys(self.filed[key].place for key in keys)
            if len(found) >= min(PLACES, len(self._places)) or len(keys) < count:
                break
            count *= 2
        for mark in _marks(new):
            marked = sorted(self._marked.get(mark, ()), key=lambda place: self._places[place].keys[0])
            found |= dict.fromkeys(marked)
        return list(found)

    def said_before(self, text: str, asker: str) -> int | None:
        """The message with this normal form: the asker's own before others', the newest that a person filed before the
        first one."""
        keys = self._by_text.get(text, []) if text else []
        own = [key for key in keys if asker and self.filed[key].asker == asker]
        told = [key for key in own or keys if self.filed[key].place.told]
        return told[-1] if told else next(iter(own or keys), None)

    def enter(self, key: int) -> None:
        """Let a message count in its place."""
        filed = self.filed[key]
        held = self._places.setdefault(filed.place, _Held())
        self._groups.setdefault(filed.place.group, set()).add(filed.place)
        insort(held.keys, key)
        held.mean = None
        for mark in _marks(filed.member):
            held.marks[mark] += 1
            self._marked.setdefault(mark, set()).add(filed.place)

    def leave(self, key: int) -> None:
        """The opposite of `enter`; before what a message is found by changes."""
        filed = self.filed[key]
        held = self._places[filed.place]
        held.keys.remove(key)
        held.mean = None
        for mark in _marks(filed.member):
            held.marks[mark] -= 1
            if not held.marks[mark]:
                del held.marks[mark]
                self._marked[mark].remove(filed.place)
        if not held.keys:
            del self._places[filed.place]
            self._groups[filed.place.group].remove(filed.place)
            if not self._groups[filed.place.group]:
                del self._groups[filed.place.group]


def _marks(member: Member) -> list[Mark]:
    if unreadable(member.raw):
        return []
    source = [("source", member.source)] if member.source else []
    return source + [("precedent", group) for group in by_group(member.near)]
