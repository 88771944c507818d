"""What is wrong with a policy beyond its form: rules that decide nothing, secrets written down, deeds left out."""
