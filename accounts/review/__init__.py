"""Who can do what where, by which binding and group: read, never written.

`deciding` answers for one person, `holding` for everybody, `listing` has what bindings give
person by person, `orphans` what nobody needs any more. None asks the database person by person.
"""
