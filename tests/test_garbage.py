"""What has been loaded is not searched for garbage, and new garbage is found only when it is asked for, or plenty."""

import subprocess
import sys

STORY = """
import gc, weakref
from outdial import garbage

class Node:
    pass

def knot():
    one, other = Node(), Node()
    one.other, other.one = other, one
    return weakref.ref(one)

loaded = [Node() for _ in range(1_000)]
garbage.settle()
found = []
gc.callbacks.append(lambda phase, info: found.append(phase))
keep = [[] for _ in range(garbage.YOUNG_MAX // 2)]
assert not found, found
assert not any(isinstance(each, Node) for each in gc.get_objects()), "what was loaded is searched"
ref = knot()
assert ref() is not None
keep += [[] for _ in range(garbage.YOUNG_MAX)]
assert found and ref() is None, "garbage stays for ever"
"""


def test_garbage_is_looked_for_seldom_but_found():
    subprocess.run([sys.executable, "-c", STORY], check=True, timeout=60)
