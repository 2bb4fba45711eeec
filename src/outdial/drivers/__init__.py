"""Real time: clocks, the asyncio runner of the core, and its journal. Knows the core and nobody else of ours."""
