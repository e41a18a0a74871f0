"""What is acknowledged is on the disk first."""

from tests.torture._recording import recorded
from tests.torture.scenario import Run, scenario


@scenario("fsync", seconds=35, needs="strace")
async def synced_first(run: Run) -> None:
    """Nobody is told that a message is kept before the disk has it: by the order of the calls, and by power cuts."""
    recording = await recorded(run)
    verdict = recording.verdict()
    run.say(f"acknowledged: {verdict.by}, in {len(recording.made)} calls")
    run.figure("acknowledged before the sync had ended", len(verdict.too_early), f"of {verdict.acknowledged}", most=0)
    run.figure("acknowledged by an answer", verdict.by.get("reply", 0), "messages", least=200)
    run.figure("acknowledged by Telegram's offset", verdict.by.get("offset", 0), "messages", least=40)
    cuts = 15 if run.short else 60
    lost, damaged = recording.cuts(cuts, run.dice, run.folder / "after")
    run.figure("acknowledged messages lost", lost, f"over {cuts} power cuts", most=0)
    run.figure("databases damaged", damaged, f"of {cuts}", most=0)


@scenario("fsync-normal", seconds=35, needs="strace", control=True, daily=False)
async def not_synced(run: Run) -> None:
    """With `synchronous = NORMAL` both the order of the calls and the power cuts show that messages may be lost."""
    recording = await recorded(run, "synchronous_normal")
    verdict = recording.verdict()
    lost, _ = recording.cuts(15 if run.short else 60, run.dice, run.folder / "after")
    run.figure("acknowledged before the sync had ended", len(verdict.too_early), f"of {verdict.acknowledged}")
    run.figure("acknowledged messages lost over the power cuts", lost)
    run.figure("what the one that found less found", min(len(verdict.too_early), lost), most=0)


@scenario("fsync-early", seconds=35, needs="strace", control=True, daily=False)
async def told_first(run: Run) -> None:
    """Where people are told before the commit, the order of the calls shows it."""
    verdict = (await recorded(run, "acknowledged_early")).verdict()
    run.figure("acknowledged before the sync had ended", len(verdict.too_early), f"of {verdict.acknowledged}", most=0)
