"""The simulated world: callees, agents, calling lists, SIP cluster nodes and their faults, drawn from one seed."""
