"""Cards of units: one a unit, with its text or picture, every coder's label, and what was asked and replied.

In come codings and the folders of the runs that they name; out go cards as HTML, for the notebook and for the report.
Open `unit_cards.py` first (which units, and what a card holds), then `card_pages.py` (how it looks).
"""

from codebook.report.cards.card_pages import card_html, card_text, cards_html, telling_html
from codebook.report.cards.choosing import Choice
from codebook.report.cards.unit_cards import UnitCards, open_cards

__all__ = ["Choice", "UnitCards", "card_html", "card_text", "cards_html", "open_cards", "telling_html"]
