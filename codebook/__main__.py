"""`python -m codebook` is the command `codebook`."""

from codebook.cli import main

main()
