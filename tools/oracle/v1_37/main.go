// The oracle of Kubernetes 1.37.
package main

import (
	"context"

	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/dynamic-resource-allocation/cel"
	"k8s.io/dynamic-resource-allocation/structured"

	"drapolicy/oracle"
)

func main() {
	oracle.Main(oracle.Release{
		EnableAllocators: structured.EnableAllocators,
		ErrNode:          structured.ErrFailedAllocationOnNode,
		Derived: &oracle.Derived{
			Compile: func(options *cel.Options) { options.DerivedAttribute = true },
			Evaluate: func(compiled cel.CompilationResult, device cel.Device) (*resourcev1.DeviceAttribute, *uint64, error) {
				attribute, details, err := compiled.EvaluateDerivedAttribute(context.Background(), device)
				if details == nil {
					return attribute, nil, err
				}
				return attribute, details.ActualCost(), err
			},
		},
		CELFeatures: func(f structured.Features) cel.Features {
			return cel.Features{
				EnableConsumableCapacity: f.ConsumableCapacity,
				EnableListTypeAttributes: f.ListTypeAttributes,
			}
		},
	})
}
