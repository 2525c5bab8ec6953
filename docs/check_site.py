"""Check the built site: every link inside it leads somewhere, and its own search answers what people ask.

    python docs/check_site.py docs/_build/html

The questions stand in `questions.yaml`. They are asked in a browser, Debian's chromium; without it that part is
skipped, and says so.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from functools import cache
from html import unescape
from pathlib import Path
from urllib.parse import quote, unquote

import yaml

QUESTIONS = Path(__file__).with_name("questions.yaml")
HITS = 3


def broken_links(site: Path) -> Iterator[str]:
    """`page: link` of each link or picture inside the site that is not there."""
    for page in sorted(path for path in site.rglob("*.html") if "_static" not in path.parts):
        text = re.sub(r"<(script|style)\b.*?</\1>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for link in map(unescape, re.findall(r'\s(?:href|src)="([^"]*)"', text)):
            if not re.match(r"[a-z][a-z+.-]*:|//", link) and not _leads_somewhere(page, link):
                yield f"{page.relative_to(site)}: {link}"


def _leads_somewhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / unquote(path.partition("?")[0])).resolve() if path else page
    return target.is_file() and (not anchor or target.suffix != ".html" or unquote(anchor) in _anchors(target))


@cache
def _anchors(page: Path) -> frozenset[str]:
    return frozenset(map(unescape, re.findall(r'\sid="([^"]*)"', page.read_text(encoding="utf-8"))))


def unanswered(site: Path) -> Iterator[str]:
    """Each question whose page is not among the first hits, with what came instead."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        for question, answer in yaml.safe_load(QUESTIONS.read_text(encoding="utf-8")):
            page.goto(f"{(site / 'search.html').as_uri()}?q={quote(question)}")
            page.wait_for_function("/found|did not match/.test(document.querySelector('#search-results').innerText)")
            links = page.eval_on_selector_all("#search-results li > a", "all => all.map(each => each.href)")
            hits = [link.partition(f"{site.as_uri()}/")[2].partition(".html")[0] for link in links][:HITS]
            if answer not in hits:
                yield f"{question!r}: {answer} is not among {', '.join(hits) or 'any hits'}"
        browser.close()


def main() -> None:
    """Say what is broken, and end with 1 where anything is."""
    site = Path(sys.argv[1]).resolve()
    faults = list(broken_links(site))
    if shutil.which("chromium"):
        faults += unanswered(site)
    else:
        print("The search of the site was not tried: there is no chromium (Debian: apt-get install chromium).")
    print("\n".join([*faults, f"{len(faults)} faults in {sum(1 for _ in site.rglob('*.html'))} pages."]))
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
