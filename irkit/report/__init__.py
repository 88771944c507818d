"""TELL IT."""
