"""Settings: each file one subject; `portal` is all of them, `test` is that for the tests."""
