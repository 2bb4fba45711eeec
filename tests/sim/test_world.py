"""The world as a whole: commands in, events out, and a truth that checkers may ask for."""

from outdial.core import commands
from outdial.core.commands import CancelRecord, FetchRecords, Reply, ReturnRecord
from outdial.core.events import CallPhase, GroupStopRequested, RecordsFetched
from outdial.core.results import CallResult
from outdial.sim.settings import OperatorAct
from outdial.sim.world import LiveCall
from small_world import Hand, dial, engage, small_configuration, small_settings


def test_every_command_is_carried_out_by_somebody():
    handled = set(Hand().world._handlers)
    assert handled == set(commands.Command.__args__)


def test_records_are_fetched_returned_and_cancelled():
    hand = Hand().give(FetchRecords(1, 7, 2, ((1, 10),))).wait(100)
    [fetched] = hand.all_of(RecordsFetched)
    assert (fetched.fetch_id, len(fetched.chains), fetched.exhausted) == (7, 2, False)
    hand.give(ReturnRecord(1, 1, 0, "why not"), CancelRecord(1, 2, CallResult.DO_NOT_CALL))
    assert hand.world.ground_truth().claimed == {1: 0}
    assert hand.world.ground_truth().strays == ()


def test_the_truth_names_every_leg():
    hand = Hand().connect()
    hand.world.start()
    hand.give(dial(1), engage(2, server_id=102)).wait(100)
    truth = hand.world.ground_truth()
    assert truth.calls[0] == LiveCall(1, 1, 101, 101, "15550000000001", False, 1, CallPhase.DIALING)
    assert truth.calls[1].is_engaging and truth.calls[1].server_id == 102
    assert truth.links_up == (101, 102)
    assert truth.ports_used == {101: 1, 201: 0, 102: 1}


def test_an_operator_acts_at_the_instant_of_the_script():
    hand = Hand(small_settings(operator_acts=(OperatorAct(5_000, GroupStopRequested(1, 1)),)))
    hand.world.start()
    hand.wait(6_000)
    assert (5_000, GroupStopRequested(1, 1)) in hand.heard


def test_refusals_of_requests_are_kept():
    hand = Hand().give(Reply(1, True), Reply(2, False, "conflict", "already running"))
    assert [reply.request_id for reply in hand.world.replies] == [2]


def test_two_worlds_of_one_seed_are_one_world():
    said = []
    for _ in range(2):
        hand = Hand(configuration=small_configuration(agents=5)).connect()
        hand.world.start()
        for call_id in range(1, 30):
            hand.give(dial(call_id, record_id=call_id)).wait(300)
        said.append(hand.wait(30_000).heard)
    assert said[0] == said[1]
