"""Login through an OIDC provider: mozilla-django-oidc's flow with every check that it leaves out.

`config` says what was set, `provider` is the door, `id_token` and `claims` are
pure, `backend` turns a verified token into a user, `pages` are the browser's side.
"""
