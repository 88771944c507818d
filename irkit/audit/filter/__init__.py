"""The filter language of `audit search`: what incident guides say with jq one-liners, in words."""
