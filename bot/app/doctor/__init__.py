"""`floormic doctor`: is this installation safe to run tonight, and how is what is not to be mended?

Looks (`…_probes`) read facts and write nothing; judgements (`machine`, `holdings`, `outside`) are pure.
"""

from bot.app.doctor.examination import Examined, examine
from bot.app.doctor.finding import Finding, Verdict
from bot.app.doctor.showing import examination_json, told_examination

__all__ = ["Examined", "Finding", "Verdict", "examination_json", "examine", "told_examination"]
