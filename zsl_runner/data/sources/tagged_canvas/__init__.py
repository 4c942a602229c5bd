"""Digits on canvases, tagged with the digits that are there."""
