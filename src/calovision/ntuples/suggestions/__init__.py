"""Suggestions of schemas for files that are not known."""
