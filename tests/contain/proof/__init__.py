"""Tests of irkit/contain/proof."""
