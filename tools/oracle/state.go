package oracle

import (
	"fmt"

	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/dynamic-resource-allocation/structured"
)

// state is what the allocator is told of devices in use.
func (a *allocated) state(features structured.Features) structured.AllocatedState {
	state := structured.AllocatedState{
		AllocatedDevices:         sets.New[structured.DeviceID](),
		AllocatedSharedDeviceIDs: sets.New[structured.SharedDeviceID](),
		AggregatedCapacity:       structured.NewConsumedCapacityCollection(),
	}
	if a == nil {
		return state
	}
	for _, h := range a.Devices {
		state.AllocatedDevices.Insert(h.id())
	}
	for _, h := range a.SharedDevices {
		share := types.UID(h.ShareID)
		state.AllocatedSharedDeviceIDs.Insert(structured.MakeSharedDeviceID(h.id(), &share))
	}
	for _, h := range a.ConsumedCapacity {
		state.AggregatedCapacity.Insert(structured.NewDeviceConsumedCapacity(h.id(), h.Capacity))
	}
	for _, claim := range a.Claims {
		if claim.Status.Allocation == nil {
			continue
		}
		for _, result := range claim.Status.Allocation.Devices.Results {
			take(&state, result, features.ConsumableCapacity)
		}
	}
	return state
}

// take reads one result as the scheduler does: admin access takes nothing, and a share
// is the whole device for a scheduler that knows no shares.
func take(state *structured.AllocatedState, result resourcev1.DeviceRequestAllocationResult, shares bool) {
	if result.AdminAccess != nil && *result.AdminAccess {
		return
	}
	id := structured.MakeDeviceID(result.Driver, result.Pool, result.Device)
	if result.ShareID == nil || !shares {
		state.AllocatedDevices.Insert(id)
		return
	}
	state.AllocatedSharedDeviceIDs.Insert(structured.MakeSharedDeviceID(id, result.ShareID))
	if result.ConsumedCapacity != nil {
		state.AggregatedCapacity.Insert(structured.NewDeviceConsumedCapacity(id, result.ConsumedCapacity))
	}
}

// classes serves the device classes of a line under their names.
type classes []*resourcev1.DeviceClass

func (c classes) List() ([]*resourcev1.DeviceClass, error) {
	return c, nil
}

func (c classes) Get(name string) (*resourcev1.DeviceClass, error) {
	for _, class := range c {
		if class.Name == name {
			return class, nil
		}
	}
	// The words of the scheduler's own lister.
	return nil, fmt.Errorf("deviceclass.resource.k8s.io %q not found", name)
}
