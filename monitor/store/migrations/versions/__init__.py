"""One file per change of the schema. A released file never changes."""
