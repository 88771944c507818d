"""What a playbook would do, told before it does anything."""
