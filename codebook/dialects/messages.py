"""The messages of one response: each is a reply for itself, and one that was cut short is none."""

from __future__ import annotations

from typing import Any

MESSAGES = "\x1e"
"""Stands between several messages of one response, as RFC 7464 has it: JSON itself never holds this character."""

_CUT = ("incomplete", "in_progress")


def list_messages(body: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(complete messages, messages that were cut short) of a response; what a model says on its way is left out.

    Examples
    --------
    >>> whole, cut = list_messages({"output": [{"type": "message", "status": "incomplete"}, {"type": "message"}]})
    >>> len(whole), len(cut)
    (1, 1)
    """
    items = body.get("output")
    messages = [
        item
        for item in (items if type(items) is list else [])
        if type(item) is dict and item.get("type") == "message" and item.get("phase") != "commentary"
    ]
    whole = [message for message in messages if message.get("status") not in _CUT]
    return whole, [message for message in messages if message.get("status") in _CUT]
