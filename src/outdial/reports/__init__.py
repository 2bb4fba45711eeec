"""Reports: what the database knows about a period, counted by the database, written row by row.

A report has rows: for every combination of its dimensions (`dimensions`) that there is, figures (`columns`). The
modules `attempts`, `waits`, `lists`, `agents` and `ports` say what each kind counts, `report` brings them together,
`formats` writes.

One statement is said to both databases, word for word. What makes that possible: values are whole numbers written into
the text, so there are no placeholders; every key is a number that is never NULL, so that both sort alike; sums are cast
to `bigint`.
"""
