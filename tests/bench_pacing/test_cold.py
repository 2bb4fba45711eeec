"""The first minutes in the pacing benchmark."""

import json


def test_first_minutes_are_measured_apart(part, monkeypatch):
    cold, measure = part("cold"), part("measure")
    monkeypatch.setattr(cold, "DAYS", {3: 4, 10: 1})
    text, rows = cold.part(measure.Workers(1, lambda text: None), agents=(3,), factor=0.5)
    one, two = (cold.start((3, seed)) for seed in (1, 2))
    assert [(3, (one.later + two.later) / 2, (one.lost + two.lost) / 2)] == [
        (row.agents, row.later, row.lost) for row in rows
    ]
    assert 0.0 < one.first < one.later < 1.0 and one.persons > one.lost
    assert text.count("| 3 | ") == 1
    json.dumps(measure.as_json(rows), allow_nan=False)
