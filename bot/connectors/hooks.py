"""What webhooks answer to what they do not take. A forgery does not learn from the answer what was wrong with it."""

from bot.ports import HookReply

FORBIDDEN = HookReply(403, b'{"error": "forbidden", "code": "not_allowed"}')
BUSY = HookReply(503, b'{"error": "try again", "code": "busy"}', headers=(("Retry-After", "5"),))
