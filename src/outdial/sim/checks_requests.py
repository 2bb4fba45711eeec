"""What operators asked for, as the checkers believe it: running, paused and drained, and whose word counts.

A request that the dialer must refuse changes nothing here, whatever the dialer says.
"""

from outdial.core import events as e
from outdial.sim.checks_cluster import ClusterChecks
from outdial.sim.checks_picture import Picture


class RequestsSeen:
    """Keeps the operators' part of the picture."""

    def __init__(self, picture: Picture, cluster: ClusterChecks) -> None:
        self._picture = picture
        self._cluster = cluster

    def group_started(self, event: e.GroupStartRequested) -> None:
        """A group of the configuration runs from now on."""
        configuration = self._picture.configuration
        if configuration is not None and any(event.group_id == group.dbid for group in configuration.campaign_groups):
            self._picture.running.setdefault(event.group_id, self._picture.mono_ms)

    def group_stopped(self, event: e.GroupStopRequested) -> None:
        """It runs no more, paused or not."""
        self._picture.running.pop(event.group_id, None)
        self._picture.paused.pop(event.group_id, None)

    def group_paused(self, event: e.GroupPauseRequested) -> None:
        """A running group dials nothing new."""
        if event.group_id in self._picture.running:
            self._picture.paused[event.group_id] = None

    def group_resumed(self, event: e.GroupResumeRequested) -> None:
        """It dials again."""
        if event.group_id in self._picture.paused:
            self._picture.running[event.group_id] = self._picture.mono_ms
        self._picture.paused.pop(event.group_id, None)

    def node_drained(self, event: e.NodeDrainRequested) -> None:
        """No new requests go there."""
        if event.node_id in self._picture.nodes:
            self._picture.draining[event.node_id] = None

    def node_enabled(self, event: e.NodeEnableRequested) -> None:
        """They do again."""
        self._picture.draining.pop(event.node_id, None)

    def node_promoted(self, event: e.NodePromoteRequested) -> None:
        """An active node of the cluster becomes the prime one."""
        self._picture.promoted(event.node_id)
        self._cluster.check_links()
