"""The widgets of a board: what there is to press and to choose, and how it is laid out. What they do is in `board`."""

from __future__ import annotations

from typing import Any

from codebook.outputs.templating import render
from codebook.widgets.snapshot import SORTS

ALL = "all"


class Controls:
    """The widgets of one board; `whole` says whether it is that of the project, which can be filtered."""

    def __init__(self, *, whole: bool) -> None:
        import ipywidgets as widgets

        def button(text: str, tip: str, style: str = "") -> Any:
            return widgets.Button(description=text, tooltip=tip, button_style=style, layout={"width": "auto"})

        def menu(text: str, options: list[str]) -> Any:
            wide = {"width": "auto", "max_width": "260px"}
            return widgets.Dropdown(options=options, description=text, layout=wide, style={"description_width": "auto"})

        def day(text: str) -> Any:
            narrow = {"width": "150px"}
            about = {"placeholder": "2026-12-28", "tooltip": "A day, such as 2026-12-28", "continuous_update": False}
            return widgets.Text(description=text, layout=narrow, style={"description_width": "auto"}, **about)

        self.refresh = button("Refresh", "Ask the services how running jobs stand, and show it", "primary")
        self.auto = widgets.Checkbox(
            value=False, description="refresh automatically", indent=False, layout={"width": "auto"}
        )
        self.fetch = widgets.Checkbox(
            value=False, description="collect automatically", indent=False, layout={"width": "auto"}
        )
        self.as_of, self.message, self.page, self.question = (widgets.HTML() for _ in range(4))
        for live in (self.as_of, self.message):
            live.add_class("cb-live")
        self.state, self.study, self.units = menu("state", [ALL]), menu("study", [ALL]), menu("units", [ALL])
        self.since, self.until = day("from"), day("to")
        self.sort = menu("sort", list(SORTS))
        self.more = button("Show all jobs", "Show every job, not only the first")
        self.run = menu("run", [])
        self.cancel = button("Cancel ...", "Stop the jobs of this run; asks you first")
        self.collect = button("Collect", "Fetch the answers that have arrived")
        self.retry = button("Retry failed ...", "Ask unanswered questions again; asks you first")
        self.yes, self.no = button("Yes", "Do it", "danger"), button("No", "Change nothing (Escape)")
        self.no.add_class("cb-no")
        row = {"flex_flow": "row wrap", "align_items": "center"}
        answers = widgets.HBox([self.no, self.yes], layout=row)
        self.ask = widgets.VBox([self.question, answers], layout={"display": "none"})
        self.ask.add_class("cb-ask")
        chosen = [self.state, self.study, self.units, self.since, self.until, self.sort, self.more]
        self.filters = widgets.HBox(chosen, layout=row)
        if not whole:
            self.filters.layout.display = self.run.layout.display = "none"
        self.box = widgets.VBox(
            [
                make_lost(),
                widgets.HBox([self.refresh, self.auto, self.fetch, self.as_of], layout=row),
                self.filters,
                widgets.HBox([self.run, self.collect, self.retry, self.cancel], layout=row),
                self.message,
                self.ask,
                self.page,
                make_guard(),
            ]
        )
        self.box.add_class("cb-root")
        self.box._view_count = 0  # from here on the front end says how often the board is on a screen

    @property
    def acting(self) -> list[Any]:
        """What cannot be pressed while something is being done."""
        return [self.refresh, self.cancel, self.collect, self.retry, self.yes, self.more]

    @property
    def choosing(self) -> list[Any]:
        """What chooses which jobs are shown."""
        return [self.state, self.study, self.units, self.since, self.until, self.sort]

    def offer(self, menu: Any, options: list[str]) -> None:
        """Give a menu its options, and keep what is chosen as long as it is among them."""
        if list(menu.options) == options:
            return
        value = menu.value if menu.value in options else (options[0] if options else None)
        menu.options = options
        menu.value = value

    def show_question(self, html: str, yes: str) -> None:
        """Show a question with its two answers."""
        self.question.value, self.yes.description = html, yes
        self.ask.layout.display = "flex"

    def hide_question(self) -> None:
        """Take the question away."""
        self.ask.layout.display = "none"
        self.question.value = ""


def make_lost() -> Any:
    """Return the line that shows itself where the kernel of a board or viewer is gone, with the style of both."""
    import ipywidgets

    return ipywidgets.HTML(render("lost.html.j2"))


def make_guard(*scripts: str) -> Any:
    """Return an invisible widget that marks every board of the page as one that keeps its keys for itself.

    ipywidgets sets no attributes of its own choice, so roles and marks are set by the templates named, which hold
    nothing of the data.
    """
    import ipywidgets

    lines = "".join(render(name) for name in (*scripts, "keys.js"))
    output = {"output_type": "display_data", "data": {"application/javascript": lines}, "metadata": {}}
    return ipywidgets.Output(outputs=(output,), layout={"height": "0px", "margin": "0px", "overflow": "hidden"})
