"""Copies of an installation: one file with everything, and the way back from it."""

from bot.app.keeping.archive import look_through
from bot.app.keeping.backup import BackedUp, back_up, backups_in
from bot.app.keeping.manifest import Manifest
from bot.app.keeping.place import Place, place_of
from bot.app.keeping.restore import Rehearsed, Restored, rehearse, restore
from bot.app.keeping.telling import told_backup, told_rehearsal, told_restore

__all__ = [
    "BackedUp",
    "Manifest",
    "Place",
    "Rehearsed",
    "Restored",
    "back_up",
    "backups_in",
    "look_through",
    "place_of",
    "rehearse",
    "restore",
    "told_backup",
    "told_rehearsal",
    "told_restore",
]
