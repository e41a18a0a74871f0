"""What is said by itself after a talk: once, in its time, and never at night."""

from bot.rounds.clock import LATE, TOPIC, Duty, Look, Planner, Round, Rounds
from bot.rounds.telling import Summary, Telling

__all__ = ["LATE", "TOPIC", "Duty", "Look", "Planner", "Round", "Rounds", "Summary", "Telling"]
