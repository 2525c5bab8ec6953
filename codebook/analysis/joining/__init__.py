"""Many codings become one: disagreements, adjudication, consensus."""
