"""Random worlds: reproducible, varied, and told in full."""

from collections import Counter

from outdial.core.modes import DialingMode
from outdial.core.settings import DialerKind, LoadBalancing, PrimeNodeLoss
from outdial.sim.scenario import knobs, random_scenario
from outdial.sim.settings import FaultKind


def test_a_seed_is_a_world():
    assert random_scenario(5) == random_scenario(5)
    assert random_scenario(5) != random_scenario(6)


def test_every_mode_port_row_and_kind_of_fault_comes_up():
    modes, rows, faults, others = Counter(), Counter(), Counter(), Counter()
    for seed in range(60):
        scenario = random_scenario(seed)
        ocs = scenario.configuration.ocs
        others.update([ocs.sip_cluster_lb_mode, ocs.prime_node_loss, len(ocs.connections)])
        faults.update(rate.kind for rate in scenario.settings.faults.rates)
        for group in scenario.configuration.campaign_groups:
            modes[group.dialing_mode] += 1
            others[group.dialer.kind] += 1
            if group.dialing_mode.is_seizing:
                engaging = group.asm_channel_num
                rows[group.number_of_cpd_ports > 0, None if engaging is None else engaging > 0] += 1
    assert set(modes) == set(DialingMode)
    assert set(faults) == set(FaultKind)
    assert set(rows) >= {(False, None), (False, False), (False, True), (True, False), (True, True)}
    assert set(others) >= {*LoadBalancing, *PrimeNodeLoss, *DialerKind, 1, 4}


def test_every_knob_is_told():
    text = knobs(random_scenario(3))
    for knob in ("seed = 3", "configuration.ocs.reconnect_ms = ", "settings.callees.talk_ms_mean = ", "settings.node."):
        assert knob in text
    assert "configuration.campaign_groups[0] = CampaignGroup(" in text
