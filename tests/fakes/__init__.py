"""What stands in for others in tests: services that speak their own protocol on loopback, and engines by rule.

`fake_openai.py` is the service (open it first; the other `fake_*.py` but one are its parts), `service.py` runs against
it and the sums that must hold, `loopback.py` a quick one for figures of speed, `other_fake.py` services of other
makers, `fake_weaviate.py` a vector store. `scripted.py` and `vectors_engine.py` are engines without any service.
"""
