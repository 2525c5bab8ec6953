"""The lines of result files, each judged for itself by the codebook: what one of them holds never costs another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from codebook.dialects import read_reply, read_usual_answer
from codebook.dialects.resultlines import UNREADABLE, Piece, read_pieces
from codebook.files.lines import iter_lines
from codebook.ground.quantities import say_count
from codebook.ground.whys import RETRIED
from codebook.ledger import FoundLine
from codebook.records import Answer
from codebook.run.answers.result_table import remember
from codebook.run.folder import RunFolder
from codebook.run.money import Meter
from codebook.scheme import Codebook
from codebook.tasks import make_questions

Judged = tuple[Answer, str | None, float | None, float | None]
"""An answer, its label, its cost, and of a batch what it would have cost live."""
TWICE = "two different answers for one id"

_NO_ANSWER, _NO_LABEL, _ANSWER = range(3)
"""How much a line says: of two lines for one question, the one that says more counts."""


class LineReader:
    """Reads the result lines of one job.

    Parameters
    ----------
    variables
        The variable that each line asks about, by custom_id.

    Attributes
    ----------
    n_replies, n_failures
        Lines with a reply, whether it is a label or not, and lines without one.
    n_nameless
        Lines of which nobody can say what they answer.
    n_twice, n_differ
        Lines for a question that has one already, and questions with two different answers.
    """

    def __init__(self, folder: RunFolder, codebook: Codebook, variables: Mapping[str, str], meter: Meter) -> None:
        self.folder, self.variables, self.meter = folder, variables, meter
        self.readers = {name: remember(question.read_label) for name, question in make_questions(codebook).items()}
        self.n_replies = self.n_failures = self.n_nameless = self.n_twice = self.n_differ = 0
        self._charges = meter.charges
        self._seen: dict[str, tuple[int, int]] = {}

    def read(self, files: list[Path]) -> Iterator[FoundLine]:
        """Yield every result line as an answer, with its place under `runs/`.

        A second line for a question is yielded where it says more than the first, or something else: then the question
        has two answers and is `invalid`.
        """
        for file in files:
            place = file.relative_to(self.folder.runs).as_posix()
            for offset, raw in iter_lines(file):
                for (answer, label, *costs), start, end in self._judge(raw):
                    if not answer.custom_id:
                        self.n_nameless += 1
                    elif noted := self._settle(answer, label):
                        yield FoundLine(noted, place, offset + start, end - start, *costs)

    def say_odd(self) -> Iterator[str]:
        """Say what was met beside one line for each question."""
        if self.n_nameless:
            yield f"{say_count(self.n_nameless, 'line')} of its files cannot be read, nor which question they answer"
        if self.n_differ:
            yield f"{self.n_differ} of its questions came back with {TWICE}"
        elif self.n_twice:
            yield f"its files have {say_count(self.n_twice, 'line')} more for questions that have a line already"

    def say_loss(self) -> str:
        """Why a question without a line may have been answered all the same; "" where it was not."""
        if not self.n_nameless:
            return ""
        lines = say_count(self.n_nameless, "line")
        return f"paid, perhaps: {lines} of the job's files cannot be read, and this may be one"

    def _judge(self, raw: bytes) -> list[tuple[Judged, int, int]]:
        """Each answer of a line, and where in it it begins and ends: as a rule one, which is the whole."""
        if usual := _read_usual(raw):
            return [(self._judge_usual(*usual), 0, len(raw))]
        return [(self._judge_piece(piece), piece.start, piece.end) for piece in read_pieces(raw)]

    def _judge_usual(self, answer: Answer, body: dict[str, Any]) -> Judged:
        try:
            return *self._read_label(answer), *self._price(self.meter.price, body)
        except Exception as error:  # noqa: BLE001  as of any other line
            return self._say_odd_line(answer.custom_id, error)

    def _judge_piece(self, piece: Piece) -> Judged:
        """Whatever is wrong with a line is the reason of its one row."""
        line = piece.line
        if line is None:
            self.n_replies += 1
            return Answer(piece.custom_id, None, "invalid", UNREADABLE), None, None, None
        try:
            return *self._read_label(read_reply(line)), *self._price(self.meter.price_line, line)
        except Exception as error:  # noqa: BLE001  one odd line must not cost the others of the run
            return self._say_odd_line(piece.custom_id, error)

    def _say_odd_line(self, custom_id: str, error: Exception) -> Judged:
        reason = f"the result line cannot be read ({type(error).__name__}: {error})"
        return Answer(custom_id, None, "invalid", reason), None, None, None

    def _price(self, price: Callable[..., float | None], told: dict[str, Any]) -> tuple[float | None, float | None]:
        """What an answer cost, and what one of a batch would have cost live."""
        if not self._charges:
            return None, None
        return price(told), price(told, live=True) if self.meter.batch else None

    def _read_label(self, answer: Answer) -> tuple[Answer, str | None]:
        """The answer with the label that its text is."""
        value = None
        if answer.why in RETRIED:
            self.n_failures += 1
        else:
            self.n_replies += 1
        if answer.why is None and answer.custom_id in self.variables:
            label = self.readers[self.variables[answer.custom_id]](answer.text or "")
            value = label.label
            if label.why:
                answer = answer._replace(why=label.why, detail=label.detail)
        return answer, value

    def _settle(self, answer: Answer, label: str | None) -> Answer | None:
        """What is to be noted of a line: nothing, where the question has as good an answer already."""
        says = label is not None or answer.why == "refused"
        rank = _NO_ANSWER if answer.why in RETRIED else _ANSWER if says else _NO_LABEL
        verdict = rank, hash((label, answer.why))
        earlier = self._seen.setdefault(answer.custom_id, verdict)
        if earlier is verdict:
            return answer
        self.n_twice += 1
        if rank > earlier[0]:
            self._seen[answer.custom_id] = verdict
            return answer
        if rank < _ANSWER or verdict == earlier:
            return None
        self.n_differ += 1
        return answer._replace(text=None, why="invalid", detail=TWICE)


def _read_usual(raw: bytes) -> tuple[Answer, dict[str, Any]] | None:
    """The short way through a reply, where it leads to an answer; the long way says what is odd about any other."""
    try:
        return read_usual_answer(raw)
    except Exception:  # noqa: BLE001  one odd line must not cost the others of the run
        return None
