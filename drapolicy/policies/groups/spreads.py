"""How other schedulers spread a gang over domains: counts by node, without a proof of anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from drapolicy.policies.objectives.distance import Domain

Spreader = Callable[[Domain, int, Mapping[int, int]], "dict[int, int] | None"]


def kueue(domain: Domain, pods: int, free: Mapping[int, int]) -> dict[int, int] | None:
    """Return the spread of Kueue's topology-aware scheduling; None where the pods do not fit.

    The narrowest level is taken at which some domain holds all pods; of these domains the one with the least room.
    From there down, the parts of what was chosen are taken together, those with most room first, until one of them
    holds all that is left: then the one with the least room that still does.

    Source: Kueue, KEP-2724 (BestFit), topology ``preferred`` at the level of nodes;
    ``pkg/cache/scheduler/tas_flavor_snapshot.go``.

    Parameters
    ----------
    free
        Pods that fit on each node, by position.
    """
    room = {id(at): sum(free[n] for n in at.nodes) for at in domain.below()}
    chosen: list[Domain] = []
    for level in reversed(_by_level(domain)):
        holding = [at for at in level if room[id(at)] >= pods]
        if holding:
            chosen = [min(holding, key=lambda at: room[id(at)])]
            break
    if not chosen:
        return None
    while any(at.parts for at in chosen):
        parts = [part for at in chosen for part in (at.parts or (at,))]
        chosen = [at for at, _ in _taken(parts, pods, room)]
    return {
        at.node: count for at, count in sorted(_taken(chosen, pods, room), key=lambda entry: entry[0].node) if count
    }


def _taken(domains: Iterable[Domain], pods: int, room: Mapping[int, int]) -> list[tuple[Domain, int]]:
    """Return the domains that are taken, with their pods: most room first, the last as tight as can be."""
    found = []
    left = sorted(domains, key=lambda at: -room[id(at)])
    while pods and left:
        best = left[0]
        if room[id(best)] >= pods:
            best = min((at for at in left if room[id(at)] >= pods), key=lambda at: room[id(at)])
        left.remove(best)
        count = min(pods, room[id(best)])
        found.append((best, count))
        pods -= count
    return found


def _by_level(domain: Domain) -> list[Sequence[Domain]]:
    """Return the domains of each depth, from the root down; nodes stand at every depth from their own on."""
    levels: list[Sequence[Domain]] = [[domain]]
    while any(at.parts for at in levels[-1]):
        levels.append([part for at in levels[-1] for part in (at.parts or (at,))])
    return levels


def hived(domain: Domain, pods: int, free: Mapping[int, int], whole: Mapping[int, int]) -> dict[int, int] | None:
    """Return the spread of HiveD's buddy cells; None where no cell of the size is free.

    A cell is a domain of which nothing is taken. The smallest that holds all pods is given; of these, one inside the
    smallest cell that is broken already, so that as few cells as can be are split. Its nodes are filled in order.

    Source: HiveD, OSDI'20, section 3.2 (buddy cell allocation).

    Parameters
    ----------
    free
        Pods that fit on each node, by position.
    whole
        Pods that fit on each node when nothing is taken.
    """
    found: list[tuple[int, int, list[int]]] = []

    def visit(at: Domain, unbroken: int) -> None:
        """Look at a domain inside so many free cells, one in the other."""
        nodes = list(at.nodes)
        size = sum(whole[n] for n in nodes)
        intact = all(free[n] == whole[n] for n in nodes)
        if intact and size >= pods:
            found.append((size, unbroken, nodes))
        for part in at.parts:
            visit(part, unbroken + intact)

    visit(domain, 0)
    if not found:
        return None
    _, _, nodes = min(found, key=lambda entry: entry[:2])
    counts: dict[int, int] = {}
    for n in nodes:
        count = min(pods, free[n])
        pods -= count
        if count:
            counts[n] = count
    return counts
