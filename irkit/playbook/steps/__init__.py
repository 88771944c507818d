"""What a playbook can do: one file per step."""
