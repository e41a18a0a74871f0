"""The only place that builds the program: settings in, a running hall, a replayed chat or a report out."""

from bot.app.benching import Measured, Wanted, bench, code_version
from bot.app.calibrating import Calibrated, calibrate_model, check_encoder
from bot.app.connecting import Given, connect, kinds
from bot.app.demo import demo
from bot.app.doctor import Examined, examination_json, examine, told_examination
from bot.app.encoding import serve_encoder
from bot.app.forgetting import export, forget
from bot.app.hall import ROLES, Hall, open_hall, run
from bot.app.importing import Imported, Preview, import_chat
from bot.app.judging import alike, ask
from bot.app.keeping import (
    BackedUp,
    Place,
    Rehearsed,
    Restored,
    back_up,
    place_of,
    rehearse,
    restore,
    told_backup,
    told_rehearsal,
    told_restore,
)
from bot.app.labelling import Labelled, label
from bot.app.listening import listen
from bot.app.minds import minds_of
from bot.app.moving import move, told_move
from bot.app.reencoding import reencode
from bot.app.replaying import ReplaySummary, replay
from bot.app.reporting import report
from bot.app.source_status import Standing, installation, standing, told
from bot.app.sources import load
from bot.app.transcribing import Transcribed, transcribe
from bot.app.trends import trends
from bot.settings import secrets_of
from bot.web.site import ReportWish

__all__ = [
    "ROLES",
    "BackedUp",
    "Calibrated",
    "Examined",
    "Given",
    "Hall",
    "Imported",
    "Labelled",
    "Measured",
    "Place",
    "Preview",
    "Rehearsed",
    "ReplaySummary",
    "ReportWish",
    "Restored",
    "Standing",
    "Transcribed",
    "Wanted",
    "alike",
    "ask",
    "back_up",
    "bench",
    "calibrate_model",
    "check_encoder",
    "code_version",
    "connect",
    "demo",
    "examination_json",
    "examine",
    "export",
    "forget",
    "import_chat",
    "installation",
    "kinds",
    "label",
    "listen",
    "load",
    "minds_of",
    "move",
    "open_hall",
    "place_of",
    "reencode",
    "rehearse",
    "replay",
    "report",
    "restore",
    "run",
    "secrets_of",
    "serve_encoder",
    "standing",
    "told",
    "told_backup",
    "told_examination",
    "told_move",
    "told_rehearsal",
    "told_restore",
    "transcribe",
    "trends",
]
