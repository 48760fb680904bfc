"""What people ask of clusters while they wait: any object read, written and acted on.

Everything goes through a `Session` (`fleet.live.session`): one person on one
cluster, with that person's rights there, in bounded time. What could not be
seen raises; nothing here answers empty instead.
"""
