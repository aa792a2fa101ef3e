"""Reading servers that nobody here wrote, all of what they have, counted and compared by id."""
