"""The console's machinery: what every admin of the portal shares.

Apps describe (columns, forms, what can be done); this package shows, asks for
confirmation and turns domain errors into messages. It decides nothing.
"""
