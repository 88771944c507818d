"""Other people's wrappings of audit events, and the shapes the API server wrote them in."""
