"""The coding form on a plain page, with a real session at the other end: as in a notebook, without the notebook."""

from __future__ import annotations

from typing import Any

from codebook.coding import CodingSession
from codebook.coding.form import form_script, form_style

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Coding</title>
<style>body {{ margin: 0; color-scheme: light dark; background: Canvas; }}</style><style>{style}</style></head>
<body><main id="root"></main><script type="module">{script}
let show;
window.lag_ms ??= 0;
const channel = {{
  send: message => window.kit(message).then(view => setTimeout(() => view && show(view), window.lag_ms)),
  onView: callback => {{ show = callback; }},
}};
window.mounted = mountForm(document.getElementById('root'), channel, {{full: {full}}});
window.times = [];
document.addEventListener('keydown', event => {{ window.pressed = event.timeStamp; }}, true);
const form = document.querySelector('.cf-form');
new MutationObserver(() => form.dataset.drawn && window.times.push(performance.now() - window.pressed))
  .observe(form, {{attributes: true, attributeFilter: ['data-drawn']}});
</script></body></html>"""


class FormPage:
    """A form in a browser, and what a person does with it."""

    def __init__(self, page: Any, session: CodingSession, *, full: bool = False) -> None:
        self.page, self.session = page, session
        self.errors: list[str] = []
        self.is_dead = False
        page.on("pageerror", lambda error: self.errors.append(f"{error} {error.stack}"))
        page.expose_function("kit", self._answer)
        page.route("http://form.test/", lambda route: route.fulfill(body=_fill(full), content_type="text/html"))
        page.goto("http://form.test/")
        self.wait()
        self.focus()

    def _answer(self, message: dict[str, Any]) -> dict[str, Any] | None:
        if self.is_dead:
            return None
        return self.session.act(message)

    @property
    def root(self) -> Any:
        return self.page.locator(".cf-form")

    def data(self, name: str) -> str:
        return str(self.root.get_attribute(f"data-{name}") or "")

    def focus(self) -> None:
        self.page.locator(".cf-left").focus()

    def wait(self) -> None:
        """Until the unit that the session shows has been seen for long enough, and nothing is on its way."""
        self.page.wait_for_function(
            "() => { const form = window.mounted?.form; return form?.view && !form.outbox.pending.size && "
            "(!form.unit || (form.drawnAt !== null && performance.now() - form.drawnAt > 160)) }"
        )

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.wait()


def _fill(full: bool) -> str:
    return _PAGE.format(
        full=str(full).lower(), style=form_style(), script=form_script().replace("export { mountForm };", "")
    )
