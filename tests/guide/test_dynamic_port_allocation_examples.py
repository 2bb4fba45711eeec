"""Examples 1 to 3 of "Dynamic Port Allocation Between Campaign Groups" (Outbound Contact Deployment Guide)."""

from outdial.core.sharing import Claim, Rule, Share, share_ports


def share(pool_ports: int, *needs: int) -> list[Share]:
    return share_ports(pool_ports, [Claim(group_id, need * 1_000) for group_id, need in enumerate(needs, 1)])


def test_example_1() -> None:
    """Heading: Examples, Example 1. More ports than needed: both groups are scaled up."""
    shares = share(100, 20, 30)
    assert [each.maximum_ports for each in shares] == [40, 60]
    assert [each.rule for each in shares] == [Rule.PROPORTION, Rule.PROPORTION]


def test_example_2() -> None:
    """Heading: Examples, Example 2. Fewer ports than needed: both groups are scaled down."""
    shares = share(25, 20, 30)
    assert [each.maximum_ports for each in shares] == [10, 15]
    assert [each.rule for each in shares] == [Rule.PROPORTION, Rule.PROPORTION]


def test_example_3() -> None:
    """Heading: Examples, Example 3. The first group is small; its inequality is read as "less than"."""
    shares = share(50, 5, 100)
    assert [each.maximum_ports for each in shares] == [5, 45]
    assert [each.rule for each in shares] == [Rule.SMALL_GROUP, Rule.PROPORTION]
