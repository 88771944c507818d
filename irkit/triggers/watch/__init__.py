"""The watch page: what people see of the machine that acts when nobody is awake, and how they stop it."""
