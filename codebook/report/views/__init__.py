"""Views for a notebook: images, pages and spans beside their labels.

In come units and labels; out go views that show themselves as HTML and as text. Open `image_grid.py` first.
"""
