"""Tencent Classroom's successors: a live classroom (`classroom`), a meeting's chat afterwards (`meeting`), and chats
that were exported to a file (`exported`). `client` speaks to Tencent; the rest but the connectors is pure."""

from bot.connectors.tencent_classroom.classroom import Classroom
from bot.connectors.tencent_classroom.kind import KIND, TencentOptions
from bot.connectors.tencent_classroom.meeting import Meetings

__all__ = ["KIND", "Classroom", "Meetings", "TencentOptions"]
