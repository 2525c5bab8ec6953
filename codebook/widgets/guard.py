"""Keep keys that are pressed inside a board from reaching the notebook, where `d d` deletes a cell."""

from __future__ import annotations

from typing import Any

_SCRIPT = """
const guard = () => document.querySelectorAll('.cb-root:not([data-lm-suppress-shortcuts])').forEach(root => {
  root.setAttribute('data-lm-suppress-shortcuts', 'true');
  root.addEventListener('keydown', event => event.stopPropagation());
});
guard(); setTimeout(guard, 300); setTimeout(guard, 2000);
"""


def make_guard() -> Any:
    """Return an invisible widget that marks every board of the page as one that keeps its keys for itself.

    ipywidgets sets no attributes of its own choice, so the mark is set by these lines, which hold nothing of the data.
    """
    import ipywidgets

    output = {"output_type": "display_data", "data": {"application/javascript": _SCRIPT}, "metadata": {}}
    return ipywidgets.Output(outputs=(output,), layout={"height": "0px", "margin": "0px", "overflow": "hidden"})
