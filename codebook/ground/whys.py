"""Why a label is missing: the words of the column `why`, and which of them are asked again."""

WHYS = ("refused", "truncated", "invalid", "failed", "expired", "cancelled", "absent", "pending", "skipped")
"""Why a label is missing, in the order in which coverage shows it; `skipped` by a person, who has seen the unit."""
RETRIED = ("failed", "expired", "cancelled", "absent")
"""The whys that are asked again unless told otherwise: those where no answer was given."""
RETRIABLE = (*RETRIED, "refused", "truncated", "invalid")
