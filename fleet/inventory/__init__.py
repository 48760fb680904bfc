"""The inventory's pure part: which kinds are watched, and what is kept of an object."""
