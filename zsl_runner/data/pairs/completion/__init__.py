"""Images of which a part is observed and the others are to be predicted."""
