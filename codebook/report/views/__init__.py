"""Views for a notebook: images, pages and spans beside their labels."""
