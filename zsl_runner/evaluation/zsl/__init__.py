"""Zero-shot and generalised zero-shot classification."""
