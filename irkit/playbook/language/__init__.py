"""The playbook language: YAML with positions, problems, inputs and expressions."""
