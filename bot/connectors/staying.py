"""HTTP sessions that stay with the host they were sent to: keys and texts are not carried on to where an answer points.

aiohttp follows redirects also where a WebSocket is opened, and there it cannot be told not to.
"""

from typing import Any, NoReturn

import aiohttp


class Redirected(aiohttp.ClientError):
    """The address answers that it is another one."""


def staying(**options: Any) -> aiohttp.ClientSession:
    """A session with these options whose requests raise `Redirected` instead of following a redirect."""
    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(_refuse)
    return aiohttp.ClientSession(trace_configs=[trace], **options)


async def _refuse(session: aiohttp.ClientSession, context: Any, moved: aiohttp.TraceRequestRedirectParams) -> NoReturn:
    moved.response.close()
    raise Redirected("the address redirects to another one")
