"""The final classifier of feature-generating methods: what it is trained on, and how."""
