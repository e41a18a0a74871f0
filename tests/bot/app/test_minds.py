"""All sessions share one encoder, and none holds up the others."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.app.minds import AT_ONCE, Minds
from bot.storage.sqlite import SqliteStore
from knowledge.answering import Answering, searched_by
from knowledge.calibration import bundled_calibration
from knowledge.course import read_course
from knowledge.encoder import Remembering
from knowledge.text import normalise
from knowledge.wording import kinds
from tests.bot.values import TALK, message
from tests.fakes import HashEncoder
from tests.waiting import until

ENTRIES = 300


class SlowEncoder(HashEncoder):
    """Takes two thousandths of a second for a text; `most`: texts of one call at most."""

    most = 0

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.most = max(self.most, len(texts))
        time.sleep(0.002 * len(texts))
        return super().encode(texts)


def course_in(folder: Path) -> Path:
    folder.mkdir()
    said = "Pump {0} lifts water. Ask for page {0} to see it."
    faq = "".join(f"## What is pump {at}?\n\n{said.format(at)}\n\n" for at in range(ENTRIES))
    (folder / "faq.md").write_text(faq, "utf-8")
    return folder


async def test_an_encoder_without_a_calibration_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is sent with it, so the log says at the start what to do."""
    with closing(Minds(encoder=HashEncoder())) as minds:
        await minds.load()
    assert "floormic calibrate" in caplog.text


async def test_a_course_that_is_taken_holds_up_no_other_session(store: SqliteStore, tmp_path: Path) -> None:
    """While one session takes a course of hundreds of entries, what another one is asked is placed."""
    here, there = replace(TALK, id="here", course=str(course_in(tmp_path / "course"))), replace(TALK, id="there")
    for session in (here, there):
        await store.save_session(session)
    encoder = SlowEncoder()
    with closing(Minds(encoder=encoder)) as minds:
        learner, other = [await minds.pipeline(replace(one, course=""), store) for one in (here, there)]
        running = asyncio.ensure_future(other.run())
        learning = asyncio.ensure_future(minds.learn(learner, here, store))
        try:
            await until(lambda: encoder.most == AT_ONCE)
            await store.receive([replace(message(1, session="there"), id=0)])
            other.wake()
            await asyncio.wait_for(other.drained(), 10)
            assert not learning.done()
            await learning
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
        taught = minds.course("here")
    assert taught
    assert len(taught) == ENTRIES
    assert encoder.most == AT_ONCE


def test_nothing_of_a_course_is_left_out_when_its_texts_are_encoded_before(tmp_path: Path) -> None:
    """Notes and phrasings too: whoever has encoded them can search the course without the model."""
    (course_in(tmp_path / "course") / "notes.md").write_text("# Valves\n\nA valve closes. It opens again.\n", "utf-8")
    course, encoder = read_course(tmp_path / "course"), SlowEncoder()
    known = Remembering(encoder)
    known.encode(searched_by(course))
    encoder.most = 0
    assert len(Answering(course, known, bundled_calibration().answers(0.95))) == ENTRIES + 1
    assert encoder.most == 0


async def test_no_text_of_the_audience_stays_after_somebody_was_forgotten() -> None:
    """Neither their normal forms nor what was gathered or encoded."""
    texts = ["Who ate my zucchini?", "Which zucchini?"]
    with closing(Minds(encoder=HashEncoder())) as minds:
        await minds.gather(texts)
        assert minds._loaded
        remembering = minds._loaded[2]
        remembering.encode(texts)
        assert (len(minds._gathered), len(remembering._known)) == (1, 2)
        assert normalise.cache_info().currsize >= 2
        minds.forget()
        assert (minds._gathered, remembering._known, remembering._read) == ({}, {}, {})
        assert normalise.cache_info().currsize == kinds.cache_info().currsize == 0
