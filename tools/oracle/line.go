package oracle

import (
	"errors"
	"fmt"
	"reflect"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/dynamic-resource-allocation/structured"
	kjson "sigs.k8s.io/json"
)

// line is one line of input. Objects are those of the pinned release, so that a field
// which that release does not know is refused.
type line struct {
	Name     any             `json:"name,omitempty"`
	Features map[string]bool `json:"features,omitempty"`
	Variant  string          `json:"variant,omitempty"`

	Classes   []*resourcev1.DeviceClass   `json:"classes,omitempty"`
	Slices    []*resourcev1.ResourceSlice `json:"slices,omitempty"`
	Claims    []*resourcev1.ResourceClaim `json:"claims,omitempty"`
	Node      *corev1.Node                `json:"node,omitempty"`
	Allocated *allocated                  `json:"allocated,omitempty"`
	TimeoutMs int64                       `json:"timeoutMs,omitempty"`

	// Loop mode: many nodes instead of one.
	Nodes     []*corev1.Node `json:"nodes,omitempty"`
	Repeat    int            `json:"repeat,omitempty"`
	StopAfter int            `json:"stopAfter,omitempty"`
	Reuse     bool           `json:"reuse,omitempty"`

	// CEL mode: no allocation at all.
	CEL *celInput `json:"cel,omitempty"`

	// Of no concern to an answer.
	Expected any `json:"expected,omitempty"`
	Source   any `json:"source,omitempty"`
	Seed     any `json:"seed,omitempty"`
	Oracle   any `json:"oracle,omitempty"`
}

// allocated is what other claims hold already.
type allocated struct {
	Devices          []held                      `json:"devices,omitempty"`
	SharedDevices    []held                      `json:"sharedDevices,omitempty"`
	ConsumedCapacity []held                      `json:"consumedCapacity,omitempty"`
	Claims           []*resourcev1.ResourceClaim `json:"claims,omitempty"`
}

// held is a device, a share of it, or some of its capacity.
type held struct {
	Driver   string                                         `json:"driver"`
	Pool     string                                         `json:"pool"`
	Device   string                                         `json:"device"`
	ShareID  string                                         `json:"shareID,omitempty"`
	Capacity map[resourcev1.QualifiedName]resource.Quantity `json:"capacity,omitempty"`
}

func (h held) id() structured.DeviceID {
	return structured.MakeDeviceID(h.Driver, h.Pool, h.Device)
}

// read decodes a line; unknown and duplicate fields are errors.
func read(text []byte) (*line, error) {
	var l line
	strict, err := kjson.UnmarshalStrict(text, &l)
	if err != nil {
		return nil, err
	}
	return &l, errors.Join(strict...)
}

// inherit fills what is absent in the line from the one before it.
func (l *line) inherit(before *line) {
	if !l.Reuse || before == nil {
		return
	}
	if l.Classes == nil {
		l.Classes = before.Classes
	}
	if l.Slices == nil {
		l.Slices = before.Slices
	}
	if l.Nodes == nil && l.Node == nil {
		l.Nodes, l.Node = before.Nodes, before.Node
	}
	if l.Allocated == nil {
		l.Allocated = before.Allocated
	}
}

// features turns names into the struct of the pinned release.
func (l *line) features() (structured.Features, error) {
	var features structured.Features
	fields := reflect.ValueOf(&features).Elem()
	for name, on := range l.Features {
		field := fields.FieldByName(name)
		if !field.IsValid() {
			return features, fmt.Errorf("unknown feature %q", name)
		}
		field.SetBool(on)
	}
	return features, nil
}
