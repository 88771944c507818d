"""The audit policy: what an API server writes down of a request, what it leaves out, and what that blinds us to."""
