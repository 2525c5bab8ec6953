"""Which variable of several a result is of: a sentence of its note that knows the variable's name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from codebook.analysis.core.checks import name_some


class ChosenVariable(str):
    """The sentence that one variable of several was chosen; it travels in the `joins` of codings and facts.

    Attributes
    ----------
    name
        Of the variable.
    is_first
        Whether it is the first of the codebook: its results are saved under their plain names.

    Examples
    --------
    >>> choice = ChosenVariable.among("tone", ["topic"], is_first=True)
    >>> choice
    "Variable 'tone' alone; not looked at here: 'topic'."
    >>> choice.entitle("Each coder against the gold"), choice.entitle("Alpha of tone is .70.")
    ('tone: Each coder against the gold', 'Alpha of tone is .70.')
    """

    name: str
    is_first: bool

    @classmethod
    def among(cls, name: str, others: Sequence[str], *, is_first: bool) -> ChosenVariable:
        """The sentence for the variable of that name; `others` were left aside without being asked."""
        rest = f" alone; not looked at here: {name_some(others)}" if others else ""
        sentence = cls(f"Variable {name!r}{rest}.")
        sentence.name, sentence.is_first = name, is_first
        return sentence

    @classmethod
    def pick(cls, sentences: Iterable[str]) -> ChosenVariable | None:
        """The first of these sentences that is one of a chosen variable."""
        return next((each for each in sentences if isinstance(each, cls)), None)

    def entitle(self, text: str) -> str:
        """A title or a sentence that names the variable; one that does so already stays, and so does an empty one."""
        named = re.escape(self.name)
        is_named = re.search(rf"^{named}:|\bof {named}(?!\w)|'{named}'|(?<!\w){named}=", text)
        return text if not text or is_named else f"{self.name}: {text}"

    def call(self, file: str) -> str:
        """The name of a file of results of this variable; of the first and of a file so named it stays."""
        end = f"_{re.sub(r'[^0-9A-Za-z_-]+', '_', self.name)}"
        return file if self.is_first or file.endswith(end) else f"{file}{end}"
