"""Integer programmes."""
