package oracle

import (
	"context"
	"errors"
	"fmt"
	"path"
	"reflect"
	"slices"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/dynamic-resource-allocation/cel"
	"k8s.io/dynamic-resource-allocation/structured"
)

// anyShareID stands for every share ID, which upstream draws at random.
const anyShareID types.UID = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"

// Kinds of errors.
const (
	kindInput   = "input"   // the line cannot be read
	kindNew     = "new"     // no allocator has the features
	kindFatal   = "fatal"   // the scheduler gives the pod up for now
	kindNode    = "node"    // only this node fails
	kindTimeout = "timeout" // the time of the line is up
	kindPanic   = "panic"
)

// outcome is what one node gives.
type outcome struct {
	Fit       bool                          `json:"fit"`
	Results   []resourcev1.AllocationResult `json:"results,omitempty"`
	Error     string                        `json:"error,omitempty"`
	ErrorKind string                        `json:"errorKind,omitempty"`
	took      time.Duration                 // of upstream alone
}

// answer is one line of output.
type answer struct {
	Name    any    `json:"name,omitempty"`
	Variant string `json:"variant,omitempty"`
	outcome
	AllocateOne *int64        `json:"allocateOne,omitempty"`
	Nodes       []nodeOutcome `json:"nodes,omitempty"`
	Fits        *int          `json:"fits,omitempty"`
	Scanned     *int          `json:"scanned,omitempty"`
	Timing      *timing       `json:"timing,omitempty"`
	CEL         *celAnswer    `json:"cel,omitempty"`
}

type nodeOutcome struct {
	Node string `json:"node"`
	outcome
}

// timing is in nanoseconds: of a single allocation, or of each scan over all nodes. With -timing, scans tell
// too what comes before them, and the least that each node took.
type timing struct {
	AllocateNs     int64   `json:"allocateNs,omitempty"`
	ScanNs         []int64 `json:"scanNs,omitempty"`
	MinScanNs      int64   `json:"minScanNs,omitempty"`
	StateNs        int64   `json:"stateNs,omitempty"`
	NewAllocatorNs int64   `json:"newAllocatorNs,omitempty"`
	NodeNs         []int64 `json:"nodeNs,omitempty"`
	ScanCPUNs      []int64 `json:"scanCPUNs,omitempty"`
}

func (o *outcome) fail(kind string, err error) {
	*o = outcome{Error: err.Error(), ErrorKind: kind}
}

// allocate answers a line with one node or many.
func (p *program) allocate(l *line, out *answer) {
	features, err := l.features()
	if err != nil {
		out.fail(kindInput, err)
		return
	}
	if err := p.choose(l.Variant); err != nil {
		out.fail(kindInput, err)
		return
	}
	started := time.Now()
	state := l.Allocated.state(features)
	stated := time.Since(started)
	allocator, err := structured.NewAllocator(
		context.Background(), features, state, classes(l.Classes), l.Slices, p.cache(features))
	created := time.Since(started) - stated
	if err != nil {
		out.fail(kindNew, err)
		return
	}
	out.Variant = variant(allocator)
	if l.Nodes != nil {
		p.scan(l, allocator, out)
		if p.timing {
			out.Timing.StateNs, out.Timing.NewAllocatorNs = stated.Nanoseconds(), created.Nanoseconds()
		}
	} else {
		out.outcome = p.one(l, allocator, l.Node)
		if p.timing {
			out.Timing = &timing{AllocateNs: time.Since(started).Nanoseconds()}
		}
	}
	out.AllocateOne = steps(allocator)
}

// choose restricts upstream to one implementation, or leaves the choice to it.
func (p *program) choose(variant string) error {
	switch variant {
	case "":
		if p.release.EnableAllocators != nil {
			p.release.EnableAllocators()
		}
		return nil
	case "stable", "incubating", "experimental":
		if p.release.EnableAllocators == nil {
			return fmt.Errorf("variant %q: this release cannot be told which implementation to use", variant)
		}
		p.release.EnableAllocators(variant)
		return nil
	default:
		return fmt.Errorf("unknown variant %q; known are stable, incubating, experimental", variant)
	}
}

// one allocates the claims of the line on one node.
func (p *program) one(l *line, allocator structured.Allocator, node *corev1.Node) (out outcome) {
	defer func() {
		if cause := recover(); cause != nil {
			out.fail(kindPanic, fmt.Errorf("%v", cause))
		}
	}()
	if node == nil {
		node = &corev1.Node{}
	}
	ctx := context.Background()
	if l.TimeoutMs > 0 {
		limited, cancel := context.WithTimeout(ctx, time.Duration(l.TimeoutMs)*time.Millisecond)
		defer cancel()
		ctx = limited
	}
	started := time.Now()
	results, err := allocator.Allocate(ctx, node, l.Claims)
	took := time.Since(started)
	defer func() { out.took = took }()
	switch {
	case err == nil:
	case errors.Is(err, context.DeadlineExceeded):
		out.fail(kindTimeout, err)
		return out
	case p.release.ErrNode != nil && errors.Is(err, p.release.ErrNode):
		out.fail(kindNode, err)
		return out
	default:
		out.fail(kindFatal, err)
		return out
	}
	// No result at all says no fit, unless there was nothing to allocate.
	if len(results) != len(l.Claims) {
		return out
	}
	if !p.keepShareIDs {
		hideShareIDs(results)
	}
	return outcome{Fit: true, Results: results}
}

// scan goes over all nodes, as often as the line says; what is told are the outcomes of the first scan.
func (p *program) scan(l *line, allocator structured.Allocator, out *answer) {
	fits, scanned := 0, 0
	times := make([]int64, 0, max(1, l.Repeat))
	var least, cpu []int64
	for range cap(times) {
		found, seen := 0, 0
		var told []nodeOutcome
		started, worked := time.Now(), processorTime()
		for _, node := range l.Nodes {
			result := p.one(l, allocator, node)
			if took := result.took.Nanoseconds(); seen == len(least) {
				least = append(least, took)
			} else {
				least[seen] = min(least[seen], took)
			}
			seen++
			if result.Fit {
				found++
			}
			if p.nodeOutcomes && len(times) == 0 {
				told = append(told, nodeOutcome{Node: node.Name, outcome: result})
			}
			if l.StopAfter > 0 && found >= l.StopAfter {
				break
			}
		}
		if len(times) == 0 {
			fits, scanned, out.Nodes = found, seen, told
		}
		times = append(times, time.Since(started).Nanoseconds())
		cpu = append(cpu, processorTime()-worked)
	}
	out.Fit, out.Fits, out.Scanned = fits > 0, &fits, &scanned
	out.Timing = &timing{ScanNs: times, MinScanNs: slices.Min(times)}
	if p.timing {
		out.Timing.NodeNs, out.Timing.ScanCPUNs = least, cpu
	}
}

// processorTime is what the process has used so far, in nanoseconds: a busy machine does not lengthen it.
func processorTime() int64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return used.Utime.Nano() + used.Stime.Nano()
}

// cache returns the compiled expressions of the process, ten at most as in the scheduler.
func (p *program) cache(features structured.Features) *cel.Cache {
	enabled := p.release.CELFeatures(features)
	cache, ok := p.caches[enabled]
	if !ok {
		cache = cel.NewCache(10, enabled)
		p.caches[enabled] = cache
	}
	return cache
}

func hideShareIDs(results []resourcev1.AllocationResult) {
	for _, result := range results {
		devices := result.Devices.Results
		for i := range devices {
			if devices[i].ShareID != nil {
				hidden := anyShareID
				devices[i].ShareID = &hidden
			}
		}
	}
}

// variant names the implementation that runs: the package it lives in.
func variant(allocator structured.Allocator) string {
	return path.Base(reflect.TypeOf(allocator).Elem().PkgPath())
}

// steps counts the calls of upstream's recursive step. Its type is internal to upstream, hence reflection.
func steps(allocator structured.Allocator) *int64 {
	method := reflect.ValueOf(allocator).MethodByName("GetStats")
	if !method.IsValid() {
		return nil
	}
	// The stable allocator of 1.34 and 1.35 counts nothing and gives a nil pointer.
	stats := reflect.Indirect(method.Call(nil)[0])
	if !stats.IsValid() {
		return nil
	}
	steps := stats.FieldByName("NumAllocateOneInvocations").Int()
	return &steps
}
