"""Tests of webhooks find their receiver beside them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
