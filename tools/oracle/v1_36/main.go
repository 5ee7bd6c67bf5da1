// The oracle of Kubernetes 1.36.
package main

import (
	"k8s.io/dynamic-resource-allocation/cel"
	"k8s.io/dynamic-resource-allocation/structured"

	"drapolicy/oracle"
)

func main() {
	oracle.Main(oracle.Release{
		EnableAllocators: structured.EnableAllocators,
		ErrNode:          structured.ErrFailedAllocationOnNode,
		CELFeatures: func(f structured.Features) cel.Features {
			return cel.Features{
				EnableConsumableCapacity: f.ConsumableCapacity,
				EnableListTypeAttributes: f.ListTypeAttributes,
			}
		},
	})
}
