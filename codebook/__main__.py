"""`python -m codebook` is the command `codebook`."""

import signal


def main() -> None:
    """Run the command. Ctrl-C while it is still being loaded ends it without a word: nothing has begun."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from codebook.cli import main as command

    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    command()


if __name__ == "__main__":
    main()
