"""SEND IT."""
