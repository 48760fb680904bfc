"""The controller: sweeps over due rows, heartbeat, and the watches of the clusters it holds.

One asyncio loop; whatever touches the database runs in a few threads. Any
number of controllers may run: clusters are shared out by lease.
"""
