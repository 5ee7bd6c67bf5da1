"""Which link joins the sockets of a CPU, by the numbers it gives itself."""

from __future__ import annotations


def socket_link(architecture: str = "", vendor: str = "", family: int = -1, model: int = -1) -> str:
    """Return the row of `SOCKET_MB_S` for a CPU, as NCCL tells makes apart; nothing where it cannot be told.

    Parameters
    ----------
    architecture
        As ``uname -m`` or NCCL write it.
    vendor
        Of x86, as CPUID gives it.
    family, model
        As CPUID gives them, or for AMD as NCCL adds them up; -1 where not told.

    Examples
    --------
    >>> socket_link("x86_64", "GenuineIntel", 6, 85)
    'UPI'
    >>> socket_link("ppc64le")
    'X-BUS'
    """
    if architecture in ("arm64", "aarch64"):
        return "ARM"
    if architecture.startswith("ppc64"):
        return "X-BUS"
    if vendor == "AuthenticAMD":
        # NCCL adds the two fields of CPUID's family in a way of its own, and takes either number.
        return {26: "IF-ZEN5", 0xBF: "IF-ZEN5", 25: "IF-ZEN3", 0xAF: "IF-ZEN3"}.get(family, "IF")
    if vendor == "GenuineIntel" and family == 6 and model >= 0:
        if model >= 0xCF or model in (0xAD, 0xAE, 0xAF):
            return "UPI2-EMR"
        return "UPI2" if model >= 0x8F else "UPI" if model >= 0x55 else "QPI"
    return ""
