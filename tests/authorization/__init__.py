"""The authorization table (`tests/authorization.yaml`): read, and made into a world to try it in."""
