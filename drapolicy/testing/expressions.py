"""Random CEL selectors of many shapes; all compile, and some fail on some devices."""

from __future__ import annotations

from random import Random

from drapolicy.testing.supply import DRIVERS, PCIE_ROOT

STANDARD = PCIE_ROOT.split("/", maxsplit=1)[0]
NAMES = ("model", "index", "numa", "healthy", "version", "speed", "absent")

# @ stands for the attributes of a domain, $ for its capacities, # for a name of an attribute.
_ATOMS = (
    '"#" in @',
    "has(@.#)",
    "!has(@.#)",
    '@.?#.orValue("none") == "h100"',
    "@.?#.hasValue()",
    '@[?"#"].orValue(0) == 1',
    '@.model == "h100"',
    '@.model != "a100"',
    '@.model in ["a100", "b200"]',
    '@.model.startsWith("h") || @.model.endsWith("0")',
    '@.model.contains("10")',
    '@.model.matches("^[ah]1.*")',
    '@.model.lowerAscii() == "h100"',
    "size(@.model) == 4",
    "@.model.substring(1).size() > 2",
    "@.model.substring(5) == ''",
    '@.model.split("1").size() == 2',
    '@.model.replace("h", "a") == "a100"',
    '@.model > "b"',
    "@.model == 3",
    "@.index >= 1",
    "@.index < 3 && @.index != 1",
    "@.index % 2 == 0",
    "10 / @.index > 3",
    "@.index * 9223372036854775807 > 0",
    "double(@.index) > 0.5",
    'string(@.index) == "1"',
    "@.index in [0, 2, 4]",
    "[0, 1, 2].exists(i, i == @.index)",
    "[1, 2].all(i, i != @.index)",
    "[0, 1, 2, 3].filter(i, i < @.index).size() > 1",
    "[0, 1].map(i, i + @.index).exists_one(n, n == 2)",
    "@.numa == 0 ? @.index < 2 : @.index >= 2",
    "@.healthy",
    "!@.healthy",
    "@.healthy == true",
    "@.#",
    '@.# == "h100"',
    "@.# > 1",
    'type(@.#) == string || "#" == "index"',
    'dyn(@.#) == dyn("x")',
    "@.version.major() >= 1",
    "@.version.minor() == 2 || @.version.patch() == 1",
    '@.version.isLessThan(semver("2.0.0"))',
    '@.version.compareTo(semver("1.2.0")) == 0',
    '@.version == semver("1.0.0")',
    'isSemver("1.x") || @.version.isGreaterThan(semver("1.1.0"))',
    '$.memory.isGreaterThan(quantity("40Gi"))',
    '$.memory.compareTo(quantity("80Gi")) == 0',
    '$.memory == quantity("81920Mi")',
    '"cores" in $',
    "has($.cores) && $.cores.asInteger() >= 2",
    "$.cores.asApproximateFloat() > 1.5",
    '$.memory.sub(quantity("1Gi")).isGreaterThan(quantity("64Gi"))',
    "sign($.memory) == 1 && $.?cores.hasValue()",
    "$.cores.isInteger()",
    '$.memory.isLessThan(quantity("nonsense"))',
    'isQuantity("1.5Gi")',
    'cel.bind(a, @, "index" in a && a.index > 0)',
    'device.driver.endsWith(".com")',
    "device.allowMultipleAllocations",
    "!device.allowMultipleAllocations",
    "size(@) > 3",
    "size($) > 0",
    "@.exists(k, k == '#')",
    '@.all(k, k != "index" || @[k] != 2)',
    "device.attributes.exists(d, d.startsWith('gpu'))",
    f'device.attributes["{STANDARD}"].pcieRoot == "pci0000:01"',
    f'device.attributes["{STANDARD}"].?pcieRoot.orValue("").size() > 3',
    'device.attributes["no.such.domain"].size() == 0',
    'device.attributes["no.such.domain"].x == 1',
    '"no.such.domain" in device.attributes',
    'ip("10.0.0.1").family() == 4',
    'cidr("10.0.0.0/8").containsIP(ip("10.1.2.3"))',
    '"%s-%d".format([@.model, @.index]) == "h100-1"',
    "sets.contains([0, 1, 2], [@.index])",
    "optional.of(@.index).optMap(i, i + 1).value() > 1",
    'isURL("https://example.com") && @.#',
    'url("https://example.com:8443/a?b=c").getPort() == "8443" || @.healthy',
    "format.dns1123Label().validate(@.model).hasValue()",
    'format.named("uuid").hasValue() && !format.uuid().validate(@.model).hasValue()',
    "cel.bind(d, device, d.driver.size() > 3)",
    "[@.index, 3].sort()[0] < 3 && [1, 2].reverse() == [2, 1]",
    "true",
    "false",
)
# Where values of attributes are dyn, which comprehensions and these take.
_LIST_ATOMS = (
    '@.#.includes("h100")',
    "@.numa.includes(1)",
    '@.#.exists(e, e == "a100")',
    '"h100" in @.#',
    "@.#.all(e, e != 0)",
    "@.version.includes(semver('1.0.0'))",
)


def expression(rng: Random, driver: str | None = None, depth: int = 2, *, lists: bool = False) -> str:
    """Return a random selector.

    Parameters
    ----------
    driver
        Whose devices are mostly meant; None for any.
    depth
        How deep operators nest at most.
    lists
        Use what is for lists too; some does not compile in releases without them.
    """
    if depth == 0 or rng.random() < 0.4:
        return _atom(rng, driver, lists=lists)
    first, second = (expression(rng, driver, depth - 1, lists=lists) for _ in range(2))
    return rng.choice(
        (
            f"({first}) && ({second})",
            f"({first}) || ({second})",
            f"({first}) || ({second})",
            f"!({first})",
            f"({first}) ? ({second}) : {_atom(rng, driver, lists=lists)}",
            f"({first}) == ({second})",
            f"cel.bind(b, {first}, b || ({second}))",
        )
    )


def _atom(rng: Random, driver: str | None, *, lists: bool) -> str:
    domain = driver if driver is not None and rng.random() < 0.9 else rng.choice(DRIVERS)
    text = (
        rng.choice(_ATOMS + _LIST_ATOMS * lists)
        .replace("#", rng.choice(NAMES))
        .replace("@", f'device.attributes["{domain}"]')
    )
    return text.replace("$.", f'device.capacity["{domain}"].').replace("$", f'device.capacity["{domain}"]')
