"""Whether who moves wordings, or merges questions, finds the right one among the first of the list:
`python -m tests.measure.likely [DIR…] [--topics DIR]` (folders of labelled talks; neither: our own).

Every labelled asking is grouped in one pass, as the program does. At the end a question asks what most of its wordings
ask. Where another question asks the same, it is to be merged; a wording that asks what another question asks is to be
moved. The list of the board had been by demand, that of experts by pairs of letters that both share.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.app.judging import mind_of
from bot.settings import Settings
from knowledge.calibrating import TALKS
from knowledge.evaluation.data import Chat, read_topics
from knowledge.evaluation.judging import Mind, judge_chat
from knowledge.evaluation.metrics import found
from knowledge.evaluation.talks import read_talk
from knowledge.text import normalise

SHOWN = 5
"""What is seen of the list on a phone."""

Order = Callable[[Sequence[int], str], list[str]]
"""Of some wordings, by their places in the chat, and the question they are in: the others, as the list has them."""


@dataclass(frozen=True, slots=True)
class Looked:
    """`place`: where the first right question stands in the list, from 0; `group`: what is asked, in this chat."""

    what: str
    order: str
    group: tuple[str, str]
    place: int


def measure(chat: Chat, mind: Mind) -> Iterator[Looked]:
    """What people would look for in this chat, in each order of the list."""
    heard = judge_chat(chat, mind)
    groups = mind.groups(heard.answering)
    filed: dict[str, list[int]] = defaultdict(list)
    asks: dict[int, str] = {}
    for key, (row, vector) in enumerate(zip(heard.rows, heard.vectors, strict=True)):
        if row.line.asks and row.line.group:
            groups.add(key, row.group, row.line.text, vector, row.offered)
            filed[row.group].append(key)
            asks[key] = row.line.group
    about = {group: Counter(asks[key] for key in keys).most_common(1)[0][0] for group, keys in filed.items()}
    pairs = {key: _pairs(chat.lines[key].text) for key in asks}

    def by_demand(keys: Sequence[int], but: str) -> list[str]:
        return sorted((group for group in filed if group != but), key=lambda group: -len(filed[group]))

    def by_letters(keys: Sequence[int], but: str) -> list[str]:
        return sorted(by_demand(keys, but), key=lambda group: -_shared(pairs[keys[0]], pairs[filed[group][0]]))

    def by_likelihood(keys: Sequence[int], but: str) -> list[str]:
        likely = [group for group, _ in groups.likeliest(keys, but)]
        return [*likely, *(group for group in by_demand(keys, but) if group not in likely)]

    orders: dict[str, Order] = {"demand": by_demand, "letters": by_letters, "likelihood": by_likelihood}
    wanted = [("merge", keys, group, about[group]) for group, keys in filed.items()]
    wanted += [("move", [key], group, asks[key]) for key, group in _astray(filed, asks, about)]
    for what, keys, group, asked in wanted:
        right = {other for other in filed if other != group and about[other] == asked}
        for name, order in orders.items() if right else ():
            place = next(at for at, other in enumerate(order(keys, group)) if other in right)
            yield Looked(what, name, (chat.name, asked), place)


def _astray(filed: dict[str, list[int]], asks: dict[int, str], about: dict[str, str]) -> Iterator[tuple[int, str]]:
    for group, keys in filed.items():
        yield from ((key, group) for key in keys if asks[key] != about[group])


def _pairs(text: str) -> set[str]:
    plain = normalise(text)
    return {plain[at : at + 2] for at in range(len(plain))}


def _shared(one: set[str], other: set[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other) or 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("talks", nargs="*", type=Path, help="folders of labelled talks")
    parser.add_argument("--topics", type=Path, help="a folder of topics, each a chat")
    asked = parser.parse_args()
    mind = mind_of(Settings(), tell=print)
    folders = asked.talks or ([] if asked.topics else sorted(one for one in TALKS.iterdir() if one.is_dir()))
    chats = [read_talk(folder).data.chats[0] for folder in folders]
    chats += read_topics(asked.topics).chats if asked.topics else ()
    rows: dict[tuple[str, str], list[Looked]] = defaultdict(list)
    for chat in chats:
        for one in measure(chat, mind):
            rows[one.what, one.order].append(one)
    print(f"{len(chats)} chats; the right question stands first, and among the first {SHOWN}")
    for (what, order), looked in rows.items():
        units = [one.group for one in looked]
        figures = [found([True] * len(looked), [one.place < n for one in looked]).figures(units) for n in (1, SHOWN)]
        first, shown = (f"{f['recall'].value:.2f} ({f['recall'].low:.2f}–{f['recall'].high:.2f})" for f in figures)
        print(f"{what:<6} by {order:<11} {first}  {shown}  of {len(looked)}")


if __name__ == "__main__":
    main()
