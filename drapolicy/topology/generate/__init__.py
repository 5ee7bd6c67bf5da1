"""Makes machines and networks that nobody has at hand.

==================  ===========================================================
`kinds`             what can be generated, with parameters; `generate`
`catalogue`         machines of vendors, as data with their sources
`machine`           how a machine is written down, and drawn
`nvl72`             racks of GB200
`boxes`             PCIe cards; CPUs and network cards
`fabrics`           networks between hosts, and tori
`draft`             a picture in the making
`letters`           what nvidia-smi would print of one
==================  ===========================================================
"""

from drapolicy.topology.generate.kinds import KINDS, Kind, Param, from_text, generate
from drapolicy.topology.generate.letters import matrix

__all__ = ["KINDS", "Kind", "Param", "from_text", "generate", "matrix"]
