"""History as small bar charts: plain SVG in the colours of the page, light enough to be drawn at every refresh."""

from __future__ import annotations

from collections.abc import Sequence

from codebook.visible import escape_block

WIDTH, HEIGHT = 240, 56
_GAP, _WIDEST = 1.5, 60.0


def draw_bars(title: str, names: Sequence[str], values: Sequence[float], says: Sequence[str]) -> str:
    """Return a chart of one bar for each value, with what each says on hovering, and the most; '' for fewer than two.

    Parameters
    ----------
    names, values, says
        (n,) each; a value that is missing has no bar.

    Examples
    --------
    >>> chart = draw_bars("answers a day", ["1 Nov", "2 Nov"], [10.0, 30.0], ["10", "30"])
    >>> chart.count("<rect"), "answers a day" in chart
    (2, True)
    """
    known = [(n, value) for n, value in enumerate(values) if value == value]
    if len(known) < 2:
        return ""
    most = max(value for _, value in known) or 1.0
    step = min(_WIDEST, WIDTH / len(values))
    bars = "".join(_bar(n * step, step - _GAP, value / most, f"{names[n]}: {says[n]}") for n, value in known)
    top = says[max(known, key=lambda pair: pair[1])[0]]
    last = f"<span>{escape_block(names[-1])}</span>" if len(names) > 1 else ""
    ends = f'<div class="cb-ends" style="width:{max(120, step * len(values)):.0f}px">'
    label = escape_block(f"{title}: {', '.join(f'{names[n]} {says[n]}' for n, _ in known[-12:])}")
    return (
        f'<figure class="cb-plot"><figcaption>{escape_block(title)} <span>most: {escape_block(top)}</span></figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{label}">'
        f'{bars}<line x1="0" y1="{HEIGHT - 0.5}" x2="{WIDTH}" y2="{HEIGHT - 0.5}"/></svg>'
        f"{ends}<span>{escape_block(names[0])}</span>{last}</div></figure>"
    )


def _bar(x: float, width: float, share: float, says: str) -> str:
    height = max(1.0, share * (HEIGHT - 2))
    place = f'x="{x:.1f}" y="{HEIGHT - 1 - height:.1f}" width="{max(0.8, width):.1f}" height="{height:.1f}"'
    return f"<rect {place}><title>{escape_block(says)}</title></rect>"
