"""What a configuration changes against another one, object by object."""

from config_samples import PIECES, added, changed, load_text, text_with
from outdial.configuration_differences import Difference, differences


def between(new: str, old: str | None = None) -> list[Difference]:
    return differences(load_text(old or text_with()), load_text(new))


def test_nothing_differs() -> None:
    assert [] == between(text_with("# a comment\n"))


def test_objects_come_and_go() -> None:
    west = PIECES["group"].replace("dbid = 1", "dbid = 2").replace("east", "west")
    assert [Difference("campaign-group", 2, "west", "added")] == between(text_with(west))
    assert [Difference("campaign-group", 2, "west", "removed")] == between(text_with(), text_with(west))


def test_what_has_changed_is_told_with_before_and_after() -> None:
    [found] = between(added("group", "ring-timeout-s = 20"))
    assert Difference("campaign-group", 1, "east", "changed", {"ring_ms_max": [25_000, 20_000]}) == found
    [mode] = between(changed("group", '"predictive"', '"progressive"'))
    assert {"dialing_mode": ["predictive", "progressive"]} == mode.fields
    [ocs] = between(changed("ocs", "sip-cluster-prime-node = 1", "sip-cluster-prime-node = 2"))
    assert ("ocs", {"sip_cluster_prime_node": [1, 2]}) == (ocs.kind, ocs.fields)


def test_addresses_of_servers_and_the_server_itself() -> None:
    kinds = {each.kind for each in between(text_with("[serve]\ndrain-s-max = 5\n"))}
    assert {"serve"} == kinds
    found = between(text_with('[do-not-call]\nnumbers = ["+15550100"]\n'))
    assert [Difference("do-not-call", 0, "do-not-call", "changed", {"numbers": [0, 1]})] == found


def test_large_values_are_told_in_short() -> None:
    many = 'agents = ["ada", "101..104"]\n'
    more = PIECES["agents"].replace("count = 4", "count = 40")
    text = text_with(agents=more, agent_group=PIECES["agent-group"].replace(many, 'agents = ["ada", "101..140"]\n'))
    [group] = [each for each in between(text) if each.kind == "agent-group"]
    assert [[7, 101, 102, 103, 104], "41 entries"] == group.fields["agents"]
