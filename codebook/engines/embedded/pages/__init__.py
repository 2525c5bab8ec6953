"""Pages of documents read to text, on this machine.

In come PDFs and photographs of pages; out go texts with their doubtful words. Open `page_reader.py` first: `ocr` finds
and reads lines, `layout` puts them in order.
"""
