"""Zero-shot classification by a softmax classifier trained on generated features."""
