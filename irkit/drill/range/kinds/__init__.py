"""What there is: resources, the types of their fields, selectors."""
