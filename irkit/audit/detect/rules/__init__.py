"""The rules, by what the attacker is after."""
