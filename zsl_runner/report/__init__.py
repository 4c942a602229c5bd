"""Tables over finished runs. Never imports torch."""
