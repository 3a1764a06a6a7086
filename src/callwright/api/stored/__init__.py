"""Stored resources as data: a declaration says what one looks like, the rest follows from it."""
