"""What kubectl needs to show and to plan."""
