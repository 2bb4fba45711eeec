"""Which records of a list a campaign dials, and in which order: a small language, read once, for every store.

    terms     what can be said, as values
    parsing   from text to terms, with the place of a mistake
    judging   terms in Python, for lists in memory
    sql       terms in SQL, for SQLite and PostgreSQL

Nothing that an operator writes becomes SQL: texts and numbers are parameters, columns are looked up in a table.
"""
