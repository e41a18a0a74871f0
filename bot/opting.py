"""How a person says in a chat that they want to hear nothing that comes by itself, or want to again. Decides; calls
nothing.

It is a message that is there for nothing else: "stop" in the middle of a sentence is a word like others.
"""

import re

_OUT = re.compile(r"/?(?:退订|退訂|取消订阅|取消訂閱|stop|unsubscribe)", re.IGNORECASE)
_IN = re.compile(r"/?(?:订阅|訂閱|恢复订阅|恢復訂閱|start|subscribe)", re.IGNORECASE)
_AROUND = " \t\r\n\"'“”「」『』‘’。.!！"


def said(text: str) -> bool | None:
    """Whether somebody wants to hear what comes by itself; None for a message that is about anything else."""
    bare = text.strip(_AROUND)
    if _OUT.fullmatch(bare):
        return False
    return True if _IN.fullmatch(bare) else None
