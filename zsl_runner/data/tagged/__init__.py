"""Images with tags: which classes they show, and for evaluation alone perhaps where."""
