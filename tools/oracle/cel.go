package oracle

import (
	"context"
	"errors"
	"fmt"

	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/dynamic-resource-allocation/cel"
)

// celInput asks what an expression gives for each of some devices.
type celInput struct {
	Expression string              `json:"expression"`
	Driver     string              `json:"driver,omitempty"`
	Devices    []resourcev1.Device `json:"devices,omitempty"`
	// CostLimit replaces the runtime limit of the API.
	CostLimit *uint64 `json:"costLimit,omitempty"`
	// New compiles as for an object that is being created, not for one that is stored.
	New bool `json:"new,omitempty"`
	// Derived takes the expression for a derived attribute, not for a selector.
	Derived bool `json:"derived,omitempty"`
}

// celAnswer is what the compiler says, and what each device gives.
type celAnswer struct {
	CompileError string `json:"compileError,omitempty"`
	OutputType   string `json:"outputType,omitempty"`
	// MaxCost is the estimate.
	MaxCost uint64      `json:"maxCost"`
	Devices []celResult `json:"devices,omitempty"`
}

type celResult struct {
	Value *bool  `json:"value,omitempty"`
	Error string `json:"error,omitempty"`
	// Attribute is the value of a derived attribute.
	Attribute *resourcev1.DeviceAttribute `json:"attribute,omitempty"`
	// Cost is what the evaluation took; absent where it did not begin.
	Cost *uint64 `json:"cost,omitempty"`
}

// celMode compiles an expression and evaluates it on devices.
func (p *program) celMode(l *line, out *answer) {
	features, err := l.features()
	if err != nil {
		out.fail(kindInput, err)
		return
	}
	options := cel.Options{CostLimit: l.CEL.CostLimit}
	if l.CEL.New {
		kind := environment.NewExpressions
		options.EnvType = &kind
	}
	derived := p.release.Derived
	if l.CEL.Derived {
		if derived == nil {
			out.fail(kindInput, errors.New("this release has no derived attributes"))
			return
		}
		derived.Compile(&options)
	} else {
		derived = nil
	}
	compiled := cel.GetCompiler(p.release.CELFeatures(features)).CompileCELExpression(l.CEL.Expression, options)
	told := &celAnswer{MaxCost: compiled.MaxCost}
	out.CEL = told
	if compiled.Error != nil {
		told.CompileError = compiled.Error.Error()
		return
	}
	told.OutputType = compiled.OutputType.String()
	for _, device := range l.CEL.Devices {
		told.Devices = append(told.Devices, evaluate(compiled, derived, l.CEL.Driver, device))
	}
}

// evaluate tells what a selector, or with derived a derived attribute, gives for a device.
func evaluate(compiled cel.CompilationResult, derived *Derived, driver string, device resourcev1.Device) (out celResult) {
	defer func() {
		if cause := recover(); cause != nil {
			out = celResult{Error: fmt.Sprintf("panic: %v", cause)}
		}
	}()
	input := cel.Device{
		Driver:                   driver,
		AllowMultipleAllocations: device.AllowMultipleAllocations,
		Attributes:               device.Attributes,
		Capacity:                 device.Capacity,
	}
	var err error
	if derived != nil {
		out.Attribute, out.Cost, err = derived.Evaluate(compiled, input)
	} else {
		value, details, failed := compiled.DeviceMatches(context.Background(), input)
		if details != nil {
			out.Cost = details.ActualCost()
		}
		if err = failed; err == nil {
			out.Value = &value
		}
	}
	if err != nil {
		out.Error = err.Error()
	}
	return out
}
