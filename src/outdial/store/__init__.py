"""Calling lists, attempts and everything else that must outlive the process, in a database.

Reading order: `interface` (what a store does), `schema` (its tables), `sqlite` and `postgres` (two of them), `writer`
(what stands between the dialer and a store), `steady` (what happens while the database is away), `listing` (how lists
are filled), `do_not_call` (who is not called).
"""
