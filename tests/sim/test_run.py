"""Whole runs in virtual time: they come to rest, and the same seed takes the same steps in every process."""

import json
import os
import subprocess
import sys

import pytest

from outdial.core.errors import InvariantViolated
from outdial.core.modes import DialingMode
from outdial.core.units import Now
from outdial.sim.run import Simulation, main, run
from outdial.sim.settings import CalleeKind, FaultKind, FaultSettings, ScriptedFault
from small_world import only, small_configuration, small_settings


def test_a_quiet_day_ends_in_rest():
    report = run(small_configuration(agents=3), small_settings(), seed=1)
    assert report.attempts > 10
    assert report.groups[0].results == {"answer": report.attempts}
    assert report.virtual_ms > 180_000
    assert 0.5 < report.work[0].utilisation < 1.0


@pytest.mark.parametrize("mode", [mode for mode in DialingMode if mode is not DialingMode.POWER_GVP])
def test_every_mode_reaches_people(mode):
    report = run(small_configuration(agents=3, mode=mode), small_settings(), seed=1)
    assert report.groups[0].results.get("answer", 0) > 5


def test_a_run_may_be_stopped_at_any_instant():
    report = run(small_configuration(), small_settings(), seed=1, until=30_000)
    assert report.virtual_ms == 30_000


def test_observers_see_every_step_and_the_end():
    seen = []

    class Watch:
        def __init__(self, dialer, world, configuration):
            self.steps = 0
            seen.append(self)

        def after_step(self, now, event, commands):
            assert isinstance(now, Now)
            self.steps += 1

        def at_end(self, now):
            seen.append("end")

    report = run(small_configuration(), small_settings(), seed=1, observers=(Watch,))
    assert seen[0].steps == report.steps
    assert seen[1:] == ["end"]


def test_a_run_that_never_comes_to_rest_is_a_failure():
    settings = small_settings(cool_down_ms=0, settle_ms_max=2_000)
    simulation = Simulation(small_configuration(), settings, seed=1)
    with pytest.raises(InvariantViolated, match="no rest 2000 ms"):
        simulation.run()


def test_time_that_stands_still_is_a_failure(monkeypatch):
    monkeypatch.setattr("outdial.sim.run.STEPS_PER_INSTANT_MAX", 50)
    simulation = Simulation(small_configuration(), small_settings(), seed=1)
    simulation.start()
    monkeypatch.setattr(simulation.dialer, "next_deadline", lambda: 0)
    with pytest.raises(InvariantViolated, match="time stands still"):
        simulation.advance(1_000)


def test_a_report_is_told_as_text_and_as_json():
    faults = FaultSettings(scripted=(ScriptedFault(20_000, FaultKind.LOSE_BOTH, 5_000, 102),))
    report = run(small_configuration(), small_settings(only(CalleeKind.BUSY), faults=faults), seed=1)
    text = report.text()
    assert f"{report.attempts:,} attempts" in text and "lose both 1" in text
    plain = json.loads(json.dumps(report.as_dict()))
    assert plain["groups"][0]["results"] == {"busy": report.attempts}
    assert plain["nodes"][0]["requests"] > 0
    assert plain["samples"]


@pytest.mark.slow
def test_the_same_seed_takes_the_same_steps_in_every_process():
    program = (
        "from small_world import *; from outdial.sim.run import run;"
        "print(run(small_configuration(agents=4), small_settings(), seed=3, until=60_000).digest)"
    )
    tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    digests = set()
    for hash_seed in ("0", "1"):
        paths = os.pathsep.join([tests, os.path.join(os.path.dirname(tests), "src")])
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": paths}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        digests.add(done.stdout)
    assert len(digests) == 1
    report = run(small_configuration(agents=4), small_settings(), seed=4, until=60_000)
    assert report.digest not in digests


def test_the_command_runs_seeds_and_says_how_it_went(capsys):
    assert main(["--seeds", "1", "--first", "1", "--jobs", "1"]) == 0
    assert "1 seeds" in capsys.readouterr().out
