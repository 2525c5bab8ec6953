"""What a unit is made of, as it is kept and sent: `units.jsonl`, its members and packs, its images and pages.

In come `Unit` and `UnitFile` of `records`; out go units read back, and `FilePart`s ready for a request. Open
`unit_store.py` first.
"""
