"""Who looks: by token or by an identity provider, and for how long."""
