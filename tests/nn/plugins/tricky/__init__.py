"""A plugin of several modules."""
