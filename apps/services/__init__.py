"""What people and git can ask of applications, repositories and charts."""
