"""Fixtures of the policy tests."""

from __future__ import annotations

from tests.audit.policy.oracle import oracle

__all__ = ["oracle"]
