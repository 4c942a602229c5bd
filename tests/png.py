"""Figures as they are written."""

import io


def png(figure):
    """Draw a figure and return the file's content."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
