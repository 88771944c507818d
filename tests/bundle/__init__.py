"""Seal, verify, read."""
