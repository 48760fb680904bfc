"""What people and git can ask of the fleet."""
