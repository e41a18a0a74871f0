"""The staff's own group chat: the queue as one message that is kept up to date, a card for each question one looks at,
and what moderators do there with buttons. `cards` decides what is said, `room` carries it to the desk and back."""

from bot.staffroom.room import StaffRoom

__all__ = ["StaffRoom"]
