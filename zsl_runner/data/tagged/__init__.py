"""Images with tags: which classes they show, and perhaps where."""
