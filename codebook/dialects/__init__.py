"""One body, two tongues: chat completions and responses, and how to read a reply back.

In comes a `Prompt`, out goes a body; in comes a result line, out goes an `Answer`. Everything above this floor speaks
of these two; only here is known how a service spells them. Open `prompts.py` first, then `replies.py`.
"""

from codebook.dialects.logprobs import read_logprob
from codebook.dialects.parts import write_content
from codebook.dialects.prompts import (
    Prompt,
    Turn,
    allow_tokens,
    check_settings,
    fence,
    read_prompt,
    unfence,
    write_body,
)
from codebook.dialects.replies import read_reply, read_said, write_reply
from codebook.dialects.usual_replies import Said, read_usual_answer

__all__ = [
    "Prompt",
    "Said",
    "Turn",
    "allow_tokens",
    "check_settings",
    "fence",
    "read_logprob",
    "read_prompt",
    "read_reply",
    "read_said",
    "read_usual_answer",
    "unfence",
    "write_body",
    "write_content",
    "write_reply",
]
