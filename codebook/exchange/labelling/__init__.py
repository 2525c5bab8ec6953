"""Programs in which texts are labelled: their exports read, and their tasks written, with suggestions or without.

In come files of Label Studio, doccano, Prodigy, Argilla and Potato; out go readings. Open `doccano.py` first, the
plainest; `label_studio.py` reads its JSON, its tables, and the values of its controls in either.
"""
