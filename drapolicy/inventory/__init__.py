"""Slices, classes, taint rules and nodes as one immutable `Fleet` of columns."""

from drapolicy.inventory.columns import ABSENT, Codes, Flags, Integers, Texts
from drapolicy.inventory.devices import AttributeColumn, CapacityColumn, DeviceTable
from drapolicy.inventory.fleet import Fleet
from drapolicy.inventory.load import build, build_from, load
from drapolicy.inventory.nodes import NodeTable
from drapolicy.inventory.selecting import select, table_of
from drapolicy.inventory.shapes import Shapes, shapes
from drapolicy.inventory.slices import SliceTable

__all__ = [
    "ABSENT",
    "AttributeColumn",
    "CapacityColumn",
    "Codes",
    "DeviceTable",
    "Flags",
    "Fleet",
    "Integers",
    "NodeTable",
    "Shapes",
    "SliceTable",
    "Texts",
    "build",
    "build_from",
    "load",
    "select",
    "shapes",
    "table_of",
]
