"""Before an incident: practice, playbooks, what must be there."""
