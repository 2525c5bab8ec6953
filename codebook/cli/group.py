"""The group of all commands, and how errors end them."""

from __future__ import annotations

from typing import Any

import click

from codebook.errors import CodebookError, PendingError


class _Commands(click.Group):
    """Prints the kit's own errors as a message instead of a traceback: exit code 1, or 3 where answers are pending."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PendingError as error:
            click.echo(str(error), err=True)
            ctx.exit(3)
        except CodebookError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(1)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order of work, not of the alphabet


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="codebook-kit")
def main() -> None:
    """Code texts with people and language models.

    \b
    A study, step by step:
      codebook new my-study            make a folder with a codebook, notebooks and a data template
      codebook check ...               is everything in order? nothing is sent
      codebook preflight ...           ask a few texts live first, where a service is to be paid
      codebook plan ...                write the requests of a run
      codebook submit RUN              hand them to the engine
      codebook collect RUN             fetch the answers, now or later
      codebook execute study.yaml      or all of it through the notebooks, ending in a report

    Every command may be repeated: what is done stays done, and no question is asked twice.
    Exit code: 0 done, 1 failed, 3 answers are still pending.
    """
