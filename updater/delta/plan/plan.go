// Package plan chooses how to get from the artifact that a client has to the one it wants: by one patch, by a chain of
// patches, or by the full artifact, whichever is estimated to take the least time.
//
// Parties. The caller knows what signed metadata says about artifacts and patches, and carries the plan out, holding the
// result of every step to its signed length and SHA-256 before it takes the next.
//
// Trust. Patches may be announced by anybody: a wrong announcement costs time, no more. A plan leads only through artifacts whose
// length and SHA-256 the caller knows to be signed, because what lies between cannot be verified otherwise.
//
// Guarantees. The package is pure and deterministic: the same question has the same answer, whatever the order of its lists. The plan
// is the best of all that have at most [Question.MaxSteps] steps, and never worse than the full artifact. Between equals
// the full artifact comes first, then the shorter chain, then the one with fewer bytes. Work is bounded by patches times steps.
//
// A crash leaves nothing, since nothing here is kept.
package plan

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Limits of a question. What exceeds them is left out.
const (
	MaxPatches = 1 << 14 // those with the fewest bytes are considered
	MaxSteps   = 16
	MaxLength  = 1 << 40 // bytes of an artifact or a patch
)

// DefaultSteps is the longest chain when the question does not say: each step writes the artifact once more.
const DefaultSteps = 4

// Artifact is what signed metadata says about an artifact, or what was measured of the one that the client has.
type Artifact struct {
	SHA256 [32]byte
	Length int64 // bytes
}

// Patch turns one artifact into another.
type Patch struct {
	From, To [32]byte // SHA-256 of the artifacts
	Codec    string
	Bytes    int64 // to download
}

// Question is everything that a plan depends on.
type Question struct {
	Have    [32]byte   // SHA-256 of the artifact that the client has
	Want    Artifact   // signed
	Full    int64      // bytes to download for the full artifact
	Between []Artifact // others that are signed: chains may lead through these
	Patches []Patch    // whose codecs the client has
	Cost    Cost
	// MaxSteps is the longest chain; 0 means DefaultSteps.
	MaxSteps int
}

// Step is a patch and what it must make.
type Step struct {
	Patch
	Result Artifact
}

// Plan is how to get there. Without steps and without Full, the client has what it wants.
type Plan struct {
	Steps  []Step
	Full   bool
	Bytes  int64         // to download
	Time   time.Duration // as estimated
	Reason string        // for logs
}

// Make answers a question.
func Make(q Question) Plan {
	if q.Have == q.Want.SHA256 {
		return Plan{Reason: "the artifact is there already"}
	}
	cost := q.Cost.complete()
	full := Plan{Full: true, Bytes: q.Full, Time: cost.full(q.Full, q.Want.Length)}
	if !sound(q.Want.Length) || !sound(q.Full) {
		full.Reason = "the full artifact: its size makes no sense to plan with"
		return full
	}
	g := newGraph(q, cost)
	way, found := g.cheapest(q.Have, q.Want.SHA256, stepsOf(q.MaxSteps))
	switch {
	case !found:
		full.Reason = fmt.Sprintf("the full artifact, %d bytes: no patches lead there from here", full.Bytes)
		return full
	case way.time >= full.Time:
		full.Reason = fmt.Sprintf("the full artifact, %d bytes in about %s: patches of %d bytes would take %s",
			full.Bytes, round(full.Time), way.bytes, round(way.time))
		return full
	}
	p := Plan{Steps: way.list(), Bytes: way.bytes, Time: way.time}
	p.Reason = fmt.Sprintf("%s, %d bytes in about %s: the full artifact, %d bytes, would take %s",
		names(p.Steps), p.Bytes, round(p.Time), full.Bytes, round(full.Time))
	return p
}

func stepsOf(max int) int {
	if max <= 0 {
		return DefaultSteps
	}
	return min(max, MaxSteps)
}

// names is "one patch (goexe)" or "a chain of 2 patches (goexe, bsdiff)".
func names(steps []Step) string {
	if len(steps) == 1 {
		return "one patch (" + steps[0].Codec + ")"
	}
	codecs := make([]string, len(steps))
	for n, s := range steps {
		codecs[n] = s.Codec
	}
	return fmt.Sprintf("a chain of %d patches (%s)", len(steps), strings.Join(codecs, ", "))
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

func sound(length int64) bool { return length > 0 && length <= MaxLength }

// graph has artifacts as nodes, numbered, and patches as edges.
type graph struct {
	nodes map[[32]byte]int
	edges []edge // in an order that does not depend on the question's
}

type edge struct {
	from, to int
	step     Step
	time     time.Duration
}

func newGraph(q Question, cost Cost) graph {
	lengths := lengths(q)
	g := graph{nodes: map[[32]byte]int{}}
	node := func(sum [32]byte) int {
		n, known := g.nodes[sum]
		if !known {
			n = len(g.nodes)
			g.nodes[sum] = n
		}
		return n
	}
	node(q.Have)
	for _, p := range usable(q, lengths) {
		length := lengths[p.To]
		g.edges = append(g.edges, edge{
			from: node(p.From), to: node(p.To),
			step: Step{p, Artifact{p.To, length}},
			time: cost.patch(p.Codec, p.Bytes, length),
		})
	}
	return g
}

// lengths are those of the artifacts that a chain may make. One that is said to have two lengths has none.
func lengths(q Question) map[[32]byte]int64 {
	known := make(map[[32]byte]int64, len(q.Between)+1)
	for _, a := range q.Between {
		if length, twice := known[a.SHA256]; twice && length != a.Length {
			a.Length = 0
		}
		known[a.SHA256] = a.Length
	}
	known[q.Want.SHA256] = q.Want.Length
	return known
}

// usable returns the patches between artifacts that may be used, sorted.
func usable(q Question, lengths map[[32]byte]int64) []Patch {
	var all []Patch
	for _, p := range q.Patches {
		from := p.From == q.Have || sound(lengths[p.From])
		if from && p.From != p.To && p.To != q.Have && sound(lengths[p.To]) && sound(p.Bytes) {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b Patch) int {
		return cmp.Or(cmp.Compare(a.Bytes, b.Bytes), bytes.Compare(a.From[:], b.From[:]), bytes.Compare(a.To[:], b.To[:]), strings.Compare(a.Codec, b.Codec))
	})
	return all[:min(len(all), MaxPatches)]
}

// way is a chain, known by its last step.
type way struct {
	reached bool
	steps   int
	bytes   int64
	time    time.Duration
	last    *edge
	before  *way
}

func (w *way) list() []Step {
	var steps []Step
	for ; w.last != nil; w = w.before {
		steps = append(steps, w.last.step)
	}
	slices.Reverse(steps)
	return steps
}

// better compares ways to the same artifact.
func (w *way) better(than *way) bool {
	if !w.reached || !than.reached {
		return w.reached
	}
	return cmp.Or(cmp.Compare(w.time, than.time), cmp.Compare(w.steps, than.steps), cmp.Compare(w.bytes, than.bytes)) < 0
}

// cheapest lets chains grow by one patch at a time, keeping the best to each artifact; the best with n patches goes on from the
// best with n-1. A search that always went on from the cheapest could not keep to the number of steps.
func (g graph) cheapest(from, to [32]byte, steps int) (*way, bool) {
	target, known := g.nodes[to]
	if !known {
		return nil, false
	}
	best := make([]way, len(g.nodes))
	best[g.nodes[from]].reached = true
	for range steps {
		next := slices.Clone(best)
		changed := false
		for n := range g.edges {
			e := &g.edges[n]
			was := &best[e.from]
			if !was.reached {
				continue
			}
			w := way{reached: true, steps: was.steps + 1, bytes: was.bytes + e.step.Bytes, time: was.time + e.time, last: e, before: was}
			if w.better(&next[e.to]) {
				next[e.to], changed = w, true
			}
		}
		if !changed {
			break
		}
		best = next
	}
	return &best[target], best[target].reached
}
