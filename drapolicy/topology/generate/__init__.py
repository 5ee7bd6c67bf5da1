"""Makes machines and networks that nobody has at hand.

==================  ===========================================================
`kinds`, `params`   what can be generated, with parameters; `generate`
`catalogue`         machines of vendors, as data with their sources
`machine`           how a machine is written down, and drawn
`nvl72`             racks of GB200
`boxes`             PCIe cards; CPUs and network cards
`fabrics`           networks between hosts, and tori
`draft`             a picture in the making
`letters`           what nvidia-smi would print of one
==================  ===========================================================
"""

from drapolicy.topology.generate.kinds import ALIASES, KINDS, Kind, from_text, generate, kind_of
from drapolicy.topology.generate.letters import matrix
from drapolicy.topology.generate.params import Param

__all__ = ["ALIASES", "KINDS", "Kind", "Param", "from_text", "generate", "kind_of", "matrix"]
