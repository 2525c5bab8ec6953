"""What the command line says: through here and nowhere else, so that no text from a file can steer the terminal."""

from __future__ import annotations

import click

from codebook.visible import spell_block


def say(message: object, *, err: bool = False) -> None:
    """Print a message; signs that a terminal would obey are spelt out."""
    click.echo(spell_block(str(message)), err=err)
