"""The widgets of a viewer of units: what there is to press and to choose. What they do is in `unit_viewer`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from codebook.report.cards import Choice
from codebook.report.cards.choosing import DISAGREE, NOT_GOLD
from codebook.visible import spell_line
from codebook.widgets.controls import make_guard, make_lost

if TYPE_CHECKING:
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
