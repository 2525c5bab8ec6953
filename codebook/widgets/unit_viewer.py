"""A viewer of units: one card at a time, chosen by label, coder, disagreement or words, with buttons and keys.

`ViewerControls` are its widgets, `UnitViewer` is what they do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from codebook.analysis.core.codings import Codings
from codebook.ground.quantities import say_count
from codebook.records import Unit
from codebook.report.cards import Choice, card_html, card_text, cards_html, open_cards
from codebook.report.cards.card_pages import STATIC
from codebook.report.cards.choosing import DISAGREE, NOT_GOLD
from codebook.run.run_views import RunViews
from codebook.visible import spell_line
from codebook.widgets.actions import say_error
from codebook.widgets.board import bundle
from codebook.widgets.controls import make_guard, make_lost

if TYPE_CHECKING:
    from codebook.analysis.core.scales import Ints
    from codebook.report.cards import UnitCards

ANY = ("any", "")
"""The option of a menu that chooses nothing."""


class ViewerControls:
    """The widgets of one viewer; menus without a choice are not shown."""

    def __init__(self, cards: UnitCards) -> None:
        import ipywidgets as widgets

        index, codings = cards.index, cards.codings
        self._index, self._codings = index, codings
        auto = {"description_width": "auto"}

        def button(text: str, tip: str, name: str = "") -> Any:
            made = widgets.Button(description=text, tooltip=tip, layout={"width": "auto"})
            return made.add_class(name) if name else made

        def menu(text: str, names: Sequence[str], fewest: int = 1) -> Any:
            options = [ANY, *_options(names)]
            wide = {"width": "auto", "max_width": "260px", "display": "" if len(names) >= fewest else "none"}
            return widgets.Dropdown(options=options, description=text, layout=wide, style=auto)

        self.back = button("Previous", "The unit before (arrow left, or p)", "cb-back")
        self.on = button("Next", "The next unit (arrow right, or n)", "cb-on")
        self.place = widgets.BoundedIntText(
            value=1, min=1, max=max(len(cards), 1), description="unit", style=auto, layout={"width": "120px"}
        )
        self.count, self.message, self.page = widgets.Label(), widgets.Label(), widgets.HTML()
        for live in (self.count, self.message):
            live.add_class("cb-live")
        standings = [name for name, rows in ((DISAGREE, index.disputed), (NOT_GOLD, index.not_gold)) if rows.any()]
        self.variable = menu("variable", [each.name for each in codings.variables], fewest=2)
        self.label = menu("label", [])
        self.coder = menu("coder", codings.coders, fewest=2)
        self.standing = menu("show", standings)
        self.why = menu("no label", index.whys)
        self.words = widgets.Text(
            placeholder="words in the text",
            description="find",
            continuous_update=False,
            style=auto,
            layout={"width": "240px"},
        )
        self.words.add_class("cb-words")
        self.clear = button("Clear", "Show all units again")
        self.offer_labels()
        row = {"flex_flow": "row wrap", "align_items": "center"}
        self.box = widgets.VBox(
            [
                make_lost(),
                widgets.HBox([self.back, self.on, self.place, self.count], layout=row),
                widgets.HBox([*self.choosing, self.clear], layout=row),
                self.message,
                self.page,
                make_guard("viewer_keys.js"),
            ]
        )
        self.box.add_class("cb-root").add_class("cb-viewer")

    @property
    def choosing(self) -> list[Any]:
        """What chooses which units are shown."""
        return [self.variable, self.label, self.coder, self.standing, self.why, self.words]

    @property
    def choice(self) -> Choice:
        """What is chosen."""
        menus = (self.variable, self.coder, self.label, self.why, self.standing, self.words)
        return Choice(*(each.value for each in menus))

    def offer_labels(self) -> None:
        """Offer the labels of the variable that is chosen, or of the only one."""
        names = [each.name for each in self._codings.variables]
        variable = self.variable.value or (names[0] if len(names) == 1 else "")
        labels = self._index.list_labels(variable) if variable else []
        self.label.options = [ANY, *_options(labels)]
        self.label.layout.display = "" if labels else "none"

    def say(self, message: str) -> None:
        """Say something above the card; nothing takes no room."""
        self.message.value = message
        self.message.layout.display = "" if message else "none"

    def reset(self) -> None:
        """Choose nothing."""
        for control in self.choosing:
            control.value = ""
        self.offer_labels()


def _options(names: Sequence[str]) -> list[tuple[str, str]]:
    return [(spell_line(name), name) for name in names]


N_STATIC = 16
"""Cards that a copy shows which nobody can press buttons in."""


class UnitViewer:
    """Cards of units: widgets in a notebook that runs, and the first sixteen cards, folded, elsewhere.

    A card is read when it is shown, so that many units open as quickly as few.

    Parameters
    ----------
    codings
        Labels of people and models.
    units
        The units of labels that no run of the project gave.

    Examples
    --------
    >>> import codebook as cb
    >>> viewer = UnitViewer(cb.open_run("topics").codings())
    >>> repr(viewer).splitlines()[0]
    'h01: embedded-use-minilm-2: economy'
    """

    def __init__(self, codings: Codings, units: Iterable[Unit] | None = None) -> None:
        self.cards = open_cards(codings, units)
        self.numbers: Ints = np.arange(len(self.cards))
        self.place = 0
        self._controls: ViewerControls | None = None
        self._drawing = False

    # --- as a page

    def __repr__(self) -> str:
        cards = [card_text(card) for card in self.cards.read_some(self.numbers[:N_STATIC].tolist(), talks=False)]
        return "\n".join([*cards, "", self.sentence] if cards else [self.sentence])

    def _repr_html_(self) -> str:
        read = self.cards.read_some(self.numbers[:N_STATIC].tolist())
        return cards_html([*(card_html(card, STATIC, folded=True) for card in read), (self.sentence, "p")])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return bundle(self, lambda: self.controls.box)

    @property
    def sentence(self) -> str:
        """How many units there are, are chosen and are shown in a copy."""
        n_units = len(self.numbers)
        if not n_units:
            return f"None of {say_count(len(self.cards), 'unit')} matches."
        first = f"The first {N_STATIC} of " if n_units > N_STATIC else ""
        return f"{first}{say_count(n_units, 'unit')}."

    # --- choosing and turning over

    def choose(self, choice: Choice) -> None:
        """Show the units that are wanted, the first of them at once."""
        self.numbers, self.place = self.cards.choose(choice), 0
        self._draw()

    def turn(self, step: int) -> None:
        """Go so many units on, or back; at either end it stays."""
        self.place = int(np.clip(self.place + step, 0, max(len(self.numbers) - 1, 0)))
        self._draw()

    # --- as widgets

    @property
    def controls(self) -> ViewerControls:
        """The widgets; made when first asked for."""
        if self._controls is None:
            self._controls = ViewerControls(self.cards)
            self._connect(self._controls)
            self._draw()
        return self._controls

    def _connect(self, controls: ViewerControls) -> None:
        controls.back.on_click(lambda _: self.turn(-1))
        controls.on.on_click(lambda _: self.turn(1))
        controls.place.observe(lambda change: self._act(lambda: self.turn(change["new"] - 1 - self.place)), "value")
        controls.variable.observe(lambda _: self._act(controls.offer_labels), "value")
        controls.clear.on_click(lambda _: self._clear())
        for control in controls.choosing:
            control.observe(lambda _: self._act(lambda: self.choose(controls.choice)), "value")

    def _act(self, act: Any) -> None:
        """Follow a person; nothing while the viewer itself sets values."""
        if self._drawing:
            return
        try:
            act()
        except Exception as error:  # noqa: BLE001  a callback has nobody above it who could say it
            self.controls.say(say_error(error))

    def _clear(self) -> None:
        self._drawing = True
        try:
            self.controls.reset()
        finally:
            self._drawing = False
        self.choose(Choice())

    def _draw(self) -> None:
        if self._controls is None:
            return
        controls, n_units = self._controls, len(self.numbers)
        self._drawing = True
        try:
            controls.place.max, controls.place.min = max(n_units, 1), 1
            controls.place.value = self.place + 1
        finally:
            self._drawing = False
        every = "" if n_units == len(self.cards) else f", chosen from {len(self.cards):,}"
        controls.count.value = f"of {say_count(n_units, 'unit')}{every}"
        controls.say("" if n_units else self.sentence)
        controls.back.disabled, controls.on.disabled = self.place <= 0, self.place >= n_units - 1
        cards = [card_html(self.cards.read(int(self.numbers[self.place])))] if n_units else []
        controls.page.value = cards_html(cards)


def show_units(labels: Codings | RunViews, units: Iterable[Unit] | None = None) -> UnitViewer:
    """Show units one by one: text or picture, every coder's label, gold, quotes, prompt and raw reply.

    In a notebook they are chosen by label, coder, disagreement, missing label or words of the text; the arrow keys turn
    to the next and the one before. An executed copy shows the first sixteen, folded.

    Parameters
    ----------
    labels
        Codings, such as `run.codings("coders.yaml")`, or a run: then its own labels only.
    units
        The units with their texts, where no run of the project has them.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> from codebook.analysis.core.scales import VariableSpec
    >>> table = make_table("tone", {"ann": ["good", "bad"], "ben": ["good", "good"]})
    >>> show_units(Codings(table, [VariableSpec("tone", "nominal", ["good", "bad"])]))
    u1: ann: good · ben: good
    u2: ann: bad · ben: good
    <BLANKLINE>
    2 units.
    """
    return UnitViewer(labels.codings() if isinstance(labels, RunViews) else labels, units)
