"""`make demo`: two real clusters, the portal and an application, from nothing to healthy.

It drives the portal from outside, as a person would: its programs and its public API.
"""
