"""Mutations of good placements, one rule broken by each, so that a checker can be checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drapolicy.testing import edit
from drapolicy.testing import mutate_alpha as alpha
from drapolicy.testing import mutate_problem as problem
from drapolicy.testing import mutate_results as results
from drapolicy.testing.build import Placed
from drapolicy.testing.edit import Spot


@dataclass(frozen=True)
class Mutation:
    """One way to break one rule.

    Attributes
    ----------
    rule
        Number of the rule that is broken then.
    change
        Breaks a placement at one of its results; gives None where that is not possible.
    """

    rule: str
    change: Callable[[Placed, Spot], Placed | None]

    @property
    def name(self) -> str:
        """What is done to the placement."""
        return self.change.__name__

    def mutants(self, placed: Placed) -> list[Placed]:
        """Return the broken placements, one for each result at which the mutation is possible."""
        made = (self.change(placed, spot) for spot in edit.spots(placed))
        return [mutant for mutant in made if mutant is not None]


MUTATIONS = (
    Mutation("S10", results.too_much_config),
    Mutation("S10", results.share_id_in_capitals),
    Mutation("S17", problem.no_admin_label),
    Mutation("S23", problem.slice_of_another_node),
    Mutation("S23", problem.selector_of_other_nodes),
    Mutation("S23", results.unpublished_device),
    Mutation("S24", problem.newer_generation),
    Mutation("S24", problem.newer_generation_elsewhere),
    Mutation("S25", problem.missing_slice),
    Mutation("S25", problem.duplicate_device),
    Mutation("S25", problem.unknown_counter),
    Mutation("S25", problem.all_beside_missing_slice),
    Mutation("S29", alpha.derived_attributes_off),
    Mutation("S29", problem.no_class),
    Mutation("S30", problem.one_more_wanted),
    Mutation("S30", problem.one_more_of_all),
    Mutation("S30", results.left_out),
    Mutation("S34", results.shared_twice),
    Mutation("S36", results.too_many),
    Mutation("S37", problem.held_by_another_claim),
    Mutation("S37", results.taken_twice),
    Mutation("S38", alpha.node_operations_off),
    Mutation("S38", alpha.node_that_skips_nothing),
    Mutation("S39", problem.class_selects_others),
    Mutation("S39", problem.request_selects_others),
    Mutation("S39", problem.selector_fails),
    Mutation("S39", problem.device_of_another_node),
    Mutation("S40", results.two_alternatives),
    Mutation("S40", results.no_alternative),
    Mutation("S41", problem.capacity_that_is_missing),
    Mutation("S41", problem.capacity_too_small),
    Mutation("S41", problem.capacity_shared_out),
    Mutation("S42", results.other_consumed_capacity),
    Mutation("S43", problem.policy_without_the_amount),
    Mutation("S43", problem.policy_with_smaller_maximum),
    Mutation("S44", results.no_share_id),
    Mutation("S44", results.share_id_of_a_whole_device),
    Mutation("S44", results.share_id_of_another_share),
    Mutation("S44", results.no_consumed_capacity),
    Mutation("S45", problem.counters_used_up),
    Mutation("S46", alpha.groups_off),
    Mutation("S46", alpha.other_groups),
    Mutation("S46", alpha.no_groups),
    Mutation("S47", problem.taint),
    Mutation("S48", problem.taint_beside_tolerations),
    Mutation("S49", problem.taint_rule),
    Mutation("S50", problem.match_of_a_missing_attribute),
    Mutation("S50", problem.match_of_two_values),
    Mutation("S50", alpha.derived_attribute_that_differs),
    Mutation("S51", problem.distinct_of_a_missing_attribute),
    Mutation("S51", problem.distinct_of_one_value),
    Mutation("S52", alpha.lists_off),
    Mutation("S52", alpha.lists_with_nothing_in_common),
    Mutation("S52", alpha.lists_that_overlap),
    Mutation("S53", alpha.derived_attribute_that_fails),
    Mutation("S55", results.unknown_request),
    Mutation("S55", results.out_of_order),
    Mutation("S55", results.other_tolerations),
    Mutation("S55", results.no_binding_conditions),
    Mutation("S55", results.no_failure_conditions),
    Mutation("S55", results.other_admin_access),
    Mutation("S55", results.no_config),
    Mutation("S55", alpha.other_requests_of_config),
    Mutation("S55", alpha.config_listed_again),
    Mutation("S55", alpha.other_node_operations),
    Mutation("S55", results.other_node_selector),
)
