"""Features and class vectors in one space, where cosines are logits: of any class, seen or not."""
