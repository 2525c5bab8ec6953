"""The group of all commands, and the wall around them: however one ends, a person reads a sentence with a mend."""

from __future__ import annotations

import os
import re
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click

from codebook.cli.options import say
from codebook.errors import CodebookError, PendingError
from codebook.ground import logbook
from codebook.ground.machine import NOTHING_LOST, explain, find_ledger_damage
from codebook.paths import runs_folder

STOPPED = 130
"""Exit code after Ctrl-C, as shells have it."""
_DEBUG = "--debug"
_PLAIN = re.compile(r"(?!.*[A-Za-z0-9]{20})(?!(sk|pk|rk)[-_])[A-Za-z0-9._ -]{0,200}")
"""Values that cannot be a key: they hold no long token."""
_SAFE = frozenset({
    "all", "by", "cap", "draws", "dry_run", "everything", "k", "limit", "max_tokens", "older_than", "only", "partial",
    "replicates", "run", "seed", "shard", "sort", "wait", "whys", "wide",
})  # fmt: skip
"""Parameters whose values the log shows: none of them is a path, a text, an address, a model or an id of a unit."""


class _Commands(click.Group):
    """Ends a command with words: exit code 1, or 3 where answers are pending, or 130 where it was stopped."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_DEBUG] = _DEBUG in args  # wherever it stands
        return super().parse_args(ctx, [arg for arg in args if arg != _DEBUG])

    def invoke(self, ctx: click.Context) -> Any:
        words = _describe(self, ctx)
        with _logged(words), _walled(words, debug=ctx.meta[_DEBUG]):
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order of work, not of the alphabet


@contextmanager
def _walled(words: str, *, debug: bool) -> Iterator[None]:
    """Turn every error into words and an exit code; what a person did not cause leaves its traceback in a file."""
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
        raise
    except PendingError as error:
        say(f"{error}\n{error.page}", err=True)
        _show(error, debug)
        raise click.exceptions.Exit(3) from error
    except CodebookError as error:
        from codebook.ground.secrecy import hide_keys

        say(f"Error: {hide_keys(str(error))}\n{error.page}", err=True)
        _show(error, debug)
        raise click.exceptions.Exit(1) from error
    except KeyboardInterrupt as error:
        say("\nStopped. Nothing is lost; run the same command again.", err=True)
        _show(error, debug)
        raise click.exceptions.Exit(STOPPED) from error
    except Exception as error:
        say(_tell(error, words), err=True)
        _show(error, debug)
        raise click.exceptions.Exit(1) from error


def _tell(error: Exception, words: str) -> str:
    """Say what stopped a command that is no error of the kit's own, and where its traceback is."""
    from codebook.ground.secrecy import remove_secrets, secrets_in

    secrets = secrets_in(os.environ)
    place = logbook.keep_traceback(words, remove_secrets("".join(traceback.format_exception(error)), secrets))
    where = f" The traceback is in {place} ({_DEBUG} shows it)." if place else f" {_DEBUG} shows the traceback."
    doing = " ".join(words.split()[:2])
    if explained := explain(error) or find_ledger_damage(runs_folder() / "ledger.db"):
        return f"Error: {doing} was stopped. {explained}\n{NOTHING_LOST}{where}"
    reason = remove_secrets(" ".join(f"{type(error).__name__}: {error}".split())[:200], secrets)
    return (
        f"Error: {doing} was stopped by a fault of the kit, which your files may have set off ({reason}).{where}\n"
        f"To mend: send that traceback to whoever looks after the kit. {NOTHING_LOST}"
    )


def _show(error: BaseException, debug: bool) -> None:
    if debug:
        say("".join(traceback.format_exception(error)), err=True)


@contextmanager
def _logged(words: str) -> Iterator[None]:
    """Note in the project's log how a command ended, and how long it took."""
    start, outcome = time.monotonic(), "done"
    try:
        yield
    except click.exceptions.Exit as error:
        cause = f" ({type(error.__cause__).__name__})" if error.__cause__ else ""
        outcome = f"exit {error.exit_code}{cause}" if error.exit_code else "done"
        raise
    except BaseException as error:
        outcome = type(error).__name__
        raise
    finally:
        logbook.note(words, outcome, time.monotonic() - start)


def _describe(group: click.Group, ctx: click.Context) -> str:
    """A command as the log shows it: its name, the names of what was given, and the values of what is safe."""
    words = [*ctx._protected_args, *ctx.args]
    name = words[0] if words and words[0] in group.commands else ""
    if not name:
        return "codebook"
    command = group.commands[name]
    parts = ["codebook", name]
    with (
        suppress(click.ClickException),
        command.make_context(name, words[1:], parent=ctx, resilient_parsing=True) as context,
    ):
        for parameter in command.params:
            if context.get_parameter_source(parameter.name or "") is click.core.ParameterSource.COMMANDLINE:
                parts.append(_show_parameter(parameter, context.params.get(parameter.name or "")))
    return " ".join(parts)


def _show_parameter(parameter: click.Parameter, value: object) -> str:
    named = isinstance(parameter, click.Option)
    label = max(parameter.opts, key=len) if named else f"{(parameter.name or '').upper()}"
    if named and getattr(parameter, "is_flag", False):
        return label
    text = " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    if parameter.name not in _SAFE or not _PLAIN.fullmatch(text):
        return f"{label} ..." if named else f"<{label}>"
    return f"{label} {text}" if named else text


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="codebook-kit")
@click.option(_DEBUG, is_flag=True, expose_value=False, help="Show the traceback of an error, too; anywhere.")
def main() -> None:
    """Code texts, images and documents with people and language models.

    \b
    A study, step by step:
      codebook new my-study            make a folder with a codebook, notebooks and a data template
      codebook check ...               is everything in order? nothing is sent
      codebook assign --coder ann      give units to people by lot
      codebook code --coder ann        let them code, in the browser
      codebook preflight ...           ask a few texts live first, where a service is to be paid
      codebook plan ...                write the requests of a run
      codebook submit RUN              hand them to the engine
      codebook collect RUN             fetch the answers, now or later
      codebook run ...                 or all of these in one, waiting for the answers
      codebook execute study.yaml      or all of it through the notebooks, ending in a report
      codebook open RUN                look at the report
      codebook deposit RUN             write what a journal or archive asks for
      codebook lab                     or by hand, in JupyterLab

    Every command may be repeated: what is done stays done, and no question is asked twice.
    Exit code: 0 done, 1 failed, 3 answers are still pending, 130 stopped by Ctrl-C. What was done is noted in
    runs/codebook.log, without texts and keys.
    """
