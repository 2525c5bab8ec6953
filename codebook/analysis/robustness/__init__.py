"""Would another run, prompt, model or coder say the same?

In come codings with repeated draws or several runs; out come shares that stay, and the curve of a finding under every
choice. Open `label_stability.py` first; the table in `../__init__.py` says which file answers which question.
"""
