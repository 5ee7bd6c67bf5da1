// Package oracle puts upstream's allocator behind a protocol of JSON lines: a problem in, its answer out.
package oracle

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/dynamic-resource-allocation/cel"
	"k8s.io/dynamic-resource-allocation/structured"
)

const upstream = "k8s.io/dynamic-resource-allocation"

// Release is what differs between the releases.
type Release struct {
	// EnableAllocators restricts the choice of the implementation; nil where that is not possible.
	EnableAllocators func(names ...string)
	// ErrNode marks errors of one node; nil where all errors end the attempt.
	ErrNode error
	// Derived is how derived attributes are computed; nil where there are none.
	Derived *Derived
	// CELFeatures follow from the allocator's features.
	CELFeatures func(structured.Features) cel.Features
}

// Derived computes derived attributes.
type Derived struct {
	Compile func(*cel.Options)
	// Evaluate returns the attribute of a device, and what it costs where it began.
	Evaluate func(cel.CompilationResult, cel.Device) (*resourcev1.DeviceAttribute, *uint64, error)
}

type program struct {
	release      Release
	caches       map[cel.Features]*cel.Cache
	timing       bool
	nodeOutcomes bool
	keepShareIDs bool
}

// Main is the whole program for one release.
func Main(release Release) {
	p := program{release: release, caches: map[cel.Features]*cel.Cache{}}
	flag.BoolVar(&p.timing, "timing", false, "tell times for single lines too, and in loop mode of each node")
	flag.BoolVar(&p.nodeOutcomes, "node-outcomes", true, "in loop mode, list the outcome of each node")
	flag.BoolVar(&p.keepShareIDs, "keep-share-ids", false, "tell share IDs as drawn")
	version := flag.Bool("version", false, "print the version of "+upstream)
	flag.Parse()
	if *version {
		fmt.Println(pinned())
		return
	}
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "oracle: unexpected argument %q; problems come on the standard input\n", flag.Arg(0))
		os.Exit(2)
	}
	if err := p.run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

// run answers every line at once, so that the other side may wait for each.
func (p *program) run(in io.Reader, out io.Writer) error {
	lines := bufio.NewReaderSize(in, 1<<20)
	answers := json.NewEncoder(out)
	answers.SetEscapeHTML(false)
	var before *line
	for {
		text, err := lines.ReadBytes('\n')
		if text = bytes.TrimSpace(text); len(text) > 0 {
			told, now := p.answer(text, before)
			if now != nil {
				before = now
			}
			if err := answers.Encode(told); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (p *program) answer(text []byte, before *line) (out *answer, now *line) {
	out = &answer{}
	defer func() {
		if cause := recover(); cause != nil {
			out.fail(kindPanic, fmt.Errorf("%v", cause))
		}
	}()
	now, err := read(text)
	if now != nil {
		out.Name = now.Name
	}
	if err != nil {
		out.fail(kindInput, err)
		return out, nil
	}
	now.inherit(before)
	if now.CEL != nil {
		p.celMode(now, out)
	} else {
		p.allocate(now, out)
	}
	return out, now
}

// pinned is the version that the binary was built with.
func pinned() string {
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, module := range info.Deps {
			if module.Path == upstream {
				return module.Path + " " + module.Version
			}
		}
	}
	return upstream + " (unknown version)"
}
