"""Tests of irkit/contain/preserve."""
