"""Topics and entities found in texts, on this machine.

In comes a text and the lists that are asked for; out go records as JSON. Open `extracting.py` first.
"""
