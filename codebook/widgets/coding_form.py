"""The coding form in a notebook: a widget where a front end is, and a table of what is assigned and done elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from codebook.coding import CodingSession, open_session
from codebook.coding.assignments import FOLDER
from codebook.coding.form import form_script, form_style
from codebook.coding.label_values import dump_label
from codebook.errors import how_to_install
from codebook.ground.quantities import say_count
from codebook.widgets.actions import say_error
from codebook.widgets.board import can_show, has_front_end
from codebook.widgets.board_pages import wrap
from codebook.widgets.board_tables import BoardTable, Cell, in_words

N_STATIC = 12
"""Units that a copy lists which nobody can press buttons in."""
_CHANNEL = Path(__file__).with_name("notebook_channel.js")
_OPEN: dict[tuple[str, ...], CodingForm] = {}


class CodingForm:
    """The form of one coder: widgets in a notebook that runs, and a table of assigned and coded units elsewhere.

    Attributes
    ----------
    session
        The coder's work: `session.label(...)`, `session.undo()` and the like do without the form what its keys do.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = cb.open_study(coders="none").with_coding(coders=("ann",)).assign()
    >>> form = CodingForm(cb.coding.open_session("ann"))
    >>> form.sentence
    'ann, main: 0 of 12 units coded, 12 left.'
    """

    def __init__(self, session: CodingSession) -> None:
        self.session = session
        self._widget: Any = None

    # --- as a table

    def __repr__(self) -> str:
        return f"{self.sentence}\n{self._table().text()}"

    def _repr_html_(self) -> str:
        return wrap(self._table().html(), style=True)

    @property
    def sentence(self) -> str:
        """How far the coder is."""
        progress, plan = self.session.progress(), self.session.plan
        more = [f"{progress[name]:,} {name}" for name in ("left", "skipped", "flagged") if progress[name]]
        old = [f"{progress['recode']:,} coded under an earlier definition"] * bool(progress["recode"])
        done = f"{progress['done']:,} of {say_count(progress['total'], 'unit')} coded"
        lacking = has_front_end() and not can_show("anywidget")
        mend = f" To code in this notebook: {how_to_install('widgets')}." if lacking else ""
        return f"{plan.coder}, {plan.round}: {', '.join([done, *more, *old])}.{mend}"

    def _table(self) -> BoardTable:
        rows = self.session.plan.rows
        names = [variable.name for variable in self.session.plan.codebook.variables]
        first = f" The first {N_STATIC} are listed." if len(rows) > N_STATIC else ""
        heads = ["", "unit", *names, "state"]
        listed = [self._row(place, names) for place in range(min(len(rows), N_STATIC))]
        return BoardTable(f"{self.sentence}{first}", heads, listed, ("",), none="Nothing is assigned.")

    def _row(self, place: int, names: list[str]) -> list[Cell]:
        row, state = self.session.plan.rows[place], self.session.state
        answers = state.answers(row.turn)
        labels = [in_words(dump_label(answers[name]), "w") if name in answers else Cell() for name in names]
        skipped = state.skipped(row.turn)
        states = ["to do" if len(answers) < len(names) and skipped is None else ""]
        states += ["flagged" if state.is_flagged(row.turn) else "", "" if skipped is None else f"skipped {skipped}"]
        words = ", ".join(each.strip() for each in states if each)
        return [in_words(f"{place + 1:,}"), in_words(row.unit_id, "id"), *labels, in_words(words)]

    # --- as a widget

    def _repr_mimebundle_(self, **_: Any) -> Any:
        table = {"text/plain": repr(self), "text/html": self._repr_html_()}
        if not can_show("anywidget"):
            return table
        form, about = self.widget._repr_mimebundle_()
        return form | table, about

    @property
    def widget(self) -> Any:
        """The form that is shown; made when first asked for."""
        if self._widget is None:
            self._widget = _widget_class()()
            self._widget.on_msg(lambda _, message, __: self._answer(message))
        return self._widget

    def _answer(self, message: Any) -> None:
        """Do what a window of the form says, and tell all its windows how it stands."""
        try:
            view = self.session.act(message)
        except Exception as error:  # noqa: BLE001  nobody above could tell the coder
            notice = {"kind": "error", "text": f"Not saved. {say_error(error)}"}
            view = self.session.view(ack=int(message.get("seq", 0)), message=notice, codebook=False)
        client = message.get("client", "") if isinstance(message, dict) else ""
        self._widget.send({"view": view, "client": client})

    def close(self) -> None:
        """Let go of the log; the form that is shown says so. May be repeated."""
        self.session.close()
        if self._widget is not None:
            self._widget.send({"gone": True, "text": "This form was closed, or opened again by another cell."})


@cache
def _widget_class() -> Any:
    import anywidget

    class CodingFormWidget(anywidget.AnyWidget):
        """A view of the session, without a state of its own: kernel and form speak by messages."""

        _esm = form_script() + _CHANNEL.read_text(encoding="utf-8")
        _css = form_style()

    return CodingFormWidget


def show_coding_form(
    coder: str, folder: str | Path = FOLDER, *, round_name: str = "main", read_only: bool = False
) -> CodingForm:
    """Show the form in which a coder codes: one key press per code, saved before the next unit is shown.

    It opens where the coder left it. Run the cell again after the kernel was restarted; where the same form is open in
    this notebook already, the older one is closed. In an executed copy it is a table of what is assigned and done.

    Parameters
    ----------
    coder
        Who codes: one of those to whom units are assigned.
    folder
        The coding folder of the study.
    round_name
        "main", or a round of training.
    read_only
        Only look.

    Raises
    ------
    ParameterError
        There is no assignment, or nothing for this coder.

    Examples
    --------
    >>> from codebook.coding import assign, write_assignment
    >>> from codebook.records import Unit
    >>> from codebook.scheme import parse_codebook
    >>> book = parse_codebook('''
    ... name: tone
    ... unit: a post
    ... variables: [{name: tone, question: "?", kind: single, level: nominal, categories: [good, bad]}]
    ... ''')
    >>> units = [Unit("7", "So good."), Unit("9", "So bad.")]
    >>> _ = write_assignment(assign(units, ["ann"]), book, units)
    >>> form = show_coding_form("ann")
    >>> form.session.label("good")
    >>> form.sentence
    'ann, main: 1 of 2 units coded, 1 left.'
    >>> form.close()
    """
    key = (coder, str(folder), round_name)
    if former := _OPEN.pop(key, None):
        former.close()
    form = CodingForm(open_session(coder, folder, round_name=round_name, read_only=read_only))
    if not read_only:
        _OPEN[key] = form
    return form
