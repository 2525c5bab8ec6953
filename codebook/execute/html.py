"""An executed notebook as one page of HTML that needs no network and runs no script."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from codebook.files.lines import write_whole
from codebook.outputs.templating import render

POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; form-action 'none'; base-uri 'none'"
)
"""What a browser may load for the page: nothing but what is in it. No script runs, not even one hidden in a text."""

_TEMPLATE = """\
{%- extends 'basic/index.html.j2' -%}
{%- block header -%}
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="POLICY">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{{ resources.codebook_title | e }}</title>
<style>{{ resources.codebook_style }}</style>
</head>
<body>
<main>
{%- endblock header -%}
{%- block footer -%}
</main>
</body>
</html>
{% endblock footer -%}
{%- block input -%}
{%- set tags = cell.metadata.get('tags', []) -%}
{%- set given = 'parameters' in tags or 'injected-parameters' in tags -%}
<details class="code"{{ ' open' if given }}><summary>{{ 'parameters' if given else 'code' }}</summary>
{{ cell.source | highlight_code(metadata=cell.metadata) }}
</details>
{%- endblock input -%}
{%- block in_prompt %}{% endblock -%}
{%- block output_area_prompt %}{% endblock -%}
{%- block empty_in_prompt %}{% endblock -%}
""".replace("POLICY", POLICY)

_ACTIVE_TAGS = re.compile(r"<(?=/?(?:script|meta|base|link|iframe|frame|object|embed)\b)", re.IGNORECASE)
_ACTIVE = ("application/javascript", "application/vnd.jupyter.widget-view+json", "application/vnd.plotly.v1+json")


def write_html(notebook_path: str | Path, html_path: str | Path) -> Path:
    """Write an executed notebook as a page to read: code folded away, tables and figures in the page.

    The page names no network address to load from, and its content security policy forbids scripts, so that a text
    with a script in it stays a text whatever the notebook displayed it with. A widget shows as its plain form.

    Examples
    --------
    >>> import codebook as cb
    >>> write_html(Path("notebooks/01_codebook.ipynb"), Path("codebook.html")).name
    'codebook.html'
    """
    import nbformat
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]

    notebook = nbformat.read(Path(notebook_path), as_version=4)  # type: ignore[no-untyped-call]
    for cell in notebook.cells:
        cell.metadata.pop("jupyter", None)  # `source_hidden` would hide code that is folded anyway
        for output in cell.get("outputs", []):
            _drop_active(output)
    notebook.metadata.pop("widgets", None)
    style = render("notebook.css") + str(HtmlFormatter(style="default").get_style_defs(".highlight"))
    resources = {"codebook_title": _title(notebook, Path(notebook_path).stem), "codebook_style": style}
    page, _ = _exporter().from_notebook_node(notebook, resources=resources)
    html_path = Path(html_path)
    write_whole(html_path, page.encode("utf-8", "replace"))
    return html_path


@cache
def _exporter() -> Any:
    """The exporter, made once: its templates take longer to be read than a page to be written."""
    from nbconvert.exporters import HTMLExporter

    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        template_name="basic", raw_template=_TEMPLATE, exclude_anchor_links=True
    )
    exporter.log.setLevel("ERROR")
    return exporter


def _drop_active(output: Any) -> None:
    """Leave out what needs a script, and show tags that load or lead elsewhere as the text they are."""
    data = output.get("data", {})
    for kind in _ACTIVE:
        data.pop(kind, None)
    for kind in ("text/html", "text/markdown"):
        if kind in data:
            data[kind] = _ACTIVE_TAGS.sub("&lt;", data[kind])


def _title(notebook: Any, default: str) -> str:
    lines = (line for cell in notebook.cells if cell.cell_type == "markdown" for line in cell.source.split("\n"))
    return next((line[2:].strip() for line in lines if line.startswith("# ")), default)
