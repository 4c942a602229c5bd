"""Typed configuration: schemas, composition, the preflight check. Never imports torch."""
