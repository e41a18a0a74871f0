"""What webhooks answer to what they do not take. A forgery does not learn from the answer what was wrong with it."""

from bot.ports import HookReply

FORBIDDEN = HookReply(403, b'{"error": "forbidden", "code": "not_allowed"}')
ELSEWHERE = HookReply(421)
"""Another process of ours listens to this source by now; said among ourselves alone. Nothing was taken."""

BUSY = HookReply(503, b'{"error": "try again", "code": "busy"}', headers=(("Retry-After", "5"),))
