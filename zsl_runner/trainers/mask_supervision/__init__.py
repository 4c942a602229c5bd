"""Learning class maps from masks: what the same network would give if training saw them, a bound."""
