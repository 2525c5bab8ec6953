"""The site of the docs, built offline by `make docs-site`. What the code knows is made by `made_pages.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from made_pages import make_pages
from sphinx.application import Sphinx

import codebook

project = "codebook"
author = "the authors of codebook"
release = version = codebook.__version__
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_nb",
    "sphinx_click",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build", "reference/messages_*.md"]
smartquotes = False  # an option is written with two hyphens
html_theme = "pydata_sphinx_theme"
html_title = "codebook"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_search_scorer = str(Path(__file__).parent / "_static" / "scorer.js")
html_show_sourcelink = False
html_copy_source = False
html_extra_path = ["llms.txt", "made/sheets"]  # the pages of figures and tables, made by made_pages.py
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 7,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"index": [], "install": [], "tutorial": [], "glossary": []}

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
default_role = "code"
nb_execution_mode = "off"  # the notebooks come executed, from the runs of the shipped studies
nb_merge_streams = True
suppress_warnings = ["mystnb.unknown_mime_type", "myst.header"]  # widgets, of which the text beside them is shown

autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say them
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
copybutton_prompt_text = r"\$ "
copybutton_prompt_is_regexp = True


def show_commands_as_code(app: Sphinx, context: object, lines: list[str]) -> None:
    """Show what a help sets apart by lines (`| `) as it stands in a shell: indented lines are code."""
    shown = []
    for before, line in zip(["", *lines], lines, strict=False):
        if not line.startswith("|  "):
            shown.append(line.removeprefix("| "))
            continue
        if not before.startswith("|  "):
            shown += ["", ".. code-block:: text", ""]
        shown.append(line.removeprefix("|"))
    lines[:] = shown


def setup(app: Sphinx) -> None:
    """Make the pages that are read from the code, before Sphinx looks for pages."""
    make_pages(Path(__file__).parent)
    app.connect("sphinx-click-process-description", show_commands_as_code)
    app.connect("sphinx-click-process-epilog", show_commands_as_code)
