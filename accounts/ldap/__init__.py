"""Login by an LDAP directory: `directory` is the door, `backend` what Django asks.

Only these modules import `ldap` and `django_auth_ldap`, and only where a directory is configured:
a portal without LDAP runs without them.
"""
