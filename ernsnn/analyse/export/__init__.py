"""A result in the formats and the objects of other tools."""
