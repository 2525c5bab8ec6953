"""Programs in which texts are labelled: their exports read, and their tasks written, with suggestions or without.

In come files of Label Studio, doccano, Prodigy, Argilla and Potato; out go readings. Open `doccano.py` first, the
plainest; Label Studio is `label_studio.py` (its JSON), `label_studio_table.py` and `label_studio_values.py`.
"""
