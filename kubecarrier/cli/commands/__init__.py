"""The commands: each parses its options, makes one call and prints.

Every module has `register(group)`; nothing heavy is imported at module level.
"""
