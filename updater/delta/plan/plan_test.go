package plan_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/delta/plan"
)

func id(n byte) [32]byte { return [32]byte{n} }

func artifact(n byte) plan.Artifact { return plan.Artifact{SHA256: id(n), Length: 10_000_000} }

func patch(from, to byte, bytes int64) plan.Patch {
	return plan.Patch{From: id(from), To: id(to), Codec: "goexe", Bytes: bytes}
}

// question asks for a way from artifact 1 to artifact 9, where 2 to 5 are signed.
func question(patches ...plan.Patch) plan.Question {
	return plan.Question{Have: id(1), Want: artifact(9), Full: 4_000_000, Patches: patches,
		Between: []plan.Artifact{artifact(2), artifact(3), artifact(4), artifact(5), artifact(9)}}
}

func TestMake(t *testing.T) {
	slow := plan.Cost{Apply: map[string]int64{"goexe": 1_000_000}}
	for _, c := range []struct {
		name   string
		q      plan.Question
		change func(*plan.Question)
		want   []byte // artifacts on the way; nil: the full artifact
		reason string
	}{
		{name: "no patches", q: question(), reason: "no patches lead there"},
		{name: "direct", q: question(patch(1, 9, 2000)), want: []byte{9}, reason: "one patch (goexe), 2000 bytes"},
		{name: "a chain", q: question(patch(1, 2, 2000), patch(2, 9, 3000)), want: []byte{2, 9}, reason: "a chain of 2 patches (goexe, goexe), 5000 bytes"},
		{name: "in whatever order", q: question(patch(2, 9, 3000), patch(1, 2, 2000)), want: []byte{2, 9}},
		{name: "direct although the chain is shorter by some bytes", q: question(patch(1, 2, 2000), patch(2, 9, 3000), patch(1, 9, 6000)), want: []byte{9}},
		{name: "a chain where direct is far larger", q: question(patch(1, 2, 2000), patch(2, 9, 3000), patch(1, 9, 3_000_000)), want: []byte{2, 9}},
		{name: "the smaller of two patches", q: question(patch(1, 9, 5000), patch(1, 9, 2000)), want: []byte{9}, reason: "2000 bytes"},
		{name: "a long chain", q: question(patch(1, 2, 1), patch(2, 3, 1), patch(3, 4, 1), patch(4, 9, 1)), want: []byte{2, 3, 4, 9}},
		{name: "too long a chain", q: question(patch(1, 2, 1), patch(2, 3, 1), patch(3, 4, 1), patch(4, 5, 1), patch(5, 9, 1))},
		{name: "as long a chain as asked for", q: question(patch(1, 2, 1), patch(2, 3, 1), patch(3, 4, 1), patch(4, 5, 1), patch(5, 9, 1)),
			change: func(q *plan.Question) { q.MaxSteps = 5 }, want: []byte{2, 3, 4, 5, 9}},
		{name: "direct only", q: question(patch(1, 2, 2000), patch(2, 9, 3000)), change: func(q *plan.Question) { q.MaxSteps = 1 }},
		{name: "a worse way that is short enough", q: question(patch(1, 2, 1), patch(2, 3, 1), patch(3, 9, 1), patch(1, 3, 900_000)),
			change: func(q *plan.Question) { q.MaxSteps = 2 }, want: []byte{3, 9}},
		{name: "a patch as large as the full artifact", q: question(patch(1, 9, 4_000_000)), reason: "patches of 4000000 bytes would take"},
		{name: "a patch that takes the processor too long", q: question(patch(1, 9, 2000)), change: func(q *plan.Question) { q.Cost = slow }},
		{name: "but less so on a slow line", q: question(patch(1, 9, 2000)), change: func(q *plan.Question) { q.Cost = slow; q.Cost.Download = 100_000 }, want: []byte{9}},
		{name: "two steps of a slow codec against one of a fast one", q: question(patch(1, 2, 1000), patch(2, 9, 1000), plan.Patch{From: id(1), To: id(9), Codec: "zstd", Bytes: 300_000}),
			change: func(q *plan.Question) { q.Cost.Apply = map[string]int64{"goexe": 10_000_000} }, want: []byte{9}, reason: "zstd"},
		{name: "through an artifact that is not signed", q: question(patch(1, 6, 1), patch(6, 9, 1))},
		{name: "from elsewhere", q: question(patch(6, 9, 1))},
		{name: "to elsewhere", q: question(patch(1, 6, 1))},
		{name: "an artifact with two lengths", q: question(patch(1, 2, 1), patch(2, 9, 1)), change: func(q *plan.Question) {
			q.Between = append(q.Between, plan.Artifact{SHA256: id(2), Length: 5})
		}},
		{name: "an artifact told twice", q: question(patch(1, 2, 1), patch(2, 9, 1)), change: func(q *plan.Question) {
			q.Between = append(q.Between, artifact(2))
		}, want: []byte{2, 9}},
		{name: "artifacts without a length", q: question(patch(1, 2, 1), patch(2, 9, 1)), change: func(q *plan.Question) { q.Between[0].Length = 0 }},
		{name: "patches without a length", q: question(patch(1, 9, 0), patch(1, 9, -5))},
		{name: "enormous lengths", q: question(patch(1, 9, math.MaxInt64), patch(1, 2, math.MaxInt64), patch(2, 9, math.MaxInt64))},
		{name: "a patch from an artifact to itself", q: question(patch(1, 1, 1), patch(9, 9, 1))},
		{name: "around in a circle", q: question(patch(1, 2, 1), patch(2, 3, 1), patch(3, 2, 1), patch(2, 1, 1), patch(3, 9, 1)), want: []byte{2, 3, 9}},
		{name: "a full artifact of no size", q: question(patch(1, 9, 1)), change: func(q *plan.Question) { q.Full = 0 }, reason: "makes no sense"},
		{name: "an artifact of no size", q: question(patch(1, 9, 1)), change: func(q *plan.Question) { q.Want.Length = -1 }, reason: "makes no sense"},
		{name: "an unknown codec", q: question(plan.Patch{From: id(1), To: id(9), Codec: "new", Bytes: 2000}), want: []byte{9}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.change != nil {
				c.change(&c.q)
			}
			p := plan.Make(c.q)
			var got []byte
			for _, s := range p.Steps {
				got = append(got, s.Result.SHA256[0])
			}
			if !reflect.DeepEqual(got, c.want) || p.Full != (c.want == nil) {
				t.Errorf("way %v, want %v: %s", got, c.want, p.Reason)
			}
			if !strings.Contains(p.Reason, c.reason) || p.Reason == "" {
				t.Errorf("reason %q, want %q", p.Reason, c.reason)
			}
			if p.Full && p.Bytes != c.q.Full {
				t.Errorf("%d bytes", p.Bytes)
			}
		})
	}
}

func TestThereAlready(t *testing.T) {
	q := question(patch(1, 9, 1))
	q.Have = q.Want.SHA256
	if p := plan.Make(q); p.Full || len(p.Steps) > 0 || p.Bytes != 0 {
		t.Errorf("%+v", p)
	}
}

func TestTies(t *testing.T) {
	// Without anything but downloading, 2 times 500 is 1000.
	free := plan.Cost{Download: 1000, Unpack: math.MaxInt64, Other: math.MaxInt64, Step: 1, Apply: map[string]int64{"goexe": math.MaxInt64}}
	q := question(patch(1, 9, 1000), patch(1, 2, 499), patch(2, 9, 501))
	q.Cost = free
	if p := plan.Make(q); len(p.Steps) != 1 {
		t.Errorf("the longer of equal chains: %s", p.Reason)
	}
	q.Full = 1000
	if p := plan.Make(q); !p.Full {
		t.Errorf("patches although the full artifact is as good: %s", p.Reason)
	}
}

// random makes a small graph of artifacts 0 to 6 with everything that can be wrong with one.
func random(r *rand.Rand) plan.Question {
	node := func() byte { return byte(r.IntN(7)) }
	q := plan.Question{Have: id(0), Want: plan.Artifact{SHA256: id(6), Length: 1 + r.Int64N(50_000_000)}, Full: 1 + r.Int64N(5_000_000), MaxSteps: r.IntN(6)}
	for n := byte(1); n < 6; n++ {
		if r.IntN(5) > 0 {
			q.Between = append(q.Between, plan.Artifact{SHA256: id(n), Length: r.Int64N(50_000_000)})
		}
	}
	for range r.IntN(30) {
		p := patch(node(), node(), r.Int64N(3_000_000)>>r.IntN(12))
		p.Codec = []string{"goexe", "bsdiff", "zstd", "other"}[r.IntN(4)]
		q.Patches = append(q.Patches, p)
	}
	if r.IntN(2) == 0 {
		q.Cost.Download = 1 + r.Int64N(50_000_000)
	}
	return q
}

// cheapest tries every chain.
func cheapest(q plan.Question, steps int) (best time.Duration, found bool) {
	cost := plan.Default()
	if q.Cost.Download > 0 {
		cost.Download = q.Cost.Download
	}
	lengths := map[[32]byte]int64{q.Want.SHA256: q.Want.Length}
	for _, a := range q.Between {
		lengths[a.SHA256] = a.Length
	}
	takes := func(bytes, rate int64) time.Duration { return time.Duration(bytes * 1_000_000_000 / rate) }
	var try func(at [32]byte, left int, spent time.Duration)
	try = func(at [32]byte, left int, spent time.Duration) {
		if at == q.Want.SHA256 && (!found || spent < best) {
			best, found = spent, true
		}
		if left == 0 {
			return
		}
		for _, p := range q.Patches {
			rate, known := cost.Apply[p.Codec]
			if !known {
				rate = cost.Other
			}
			if p.From == at && p.Bytes > 0 && lengths[p.To] > 0 {
				try(p.To, left-1, spent+cost.Step+takes(p.Bytes, cost.Download)+takes(lengths[p.To], rate))
			}
		}
	}
	try(q.Have, steps, 0)
	full := cost.Step + takes(q.Full, cost.Download) + takes(q.Want.Length, cost.Unpack)
	if !found || full <= best {
		return full, false
	}
	return best, true
}

func TestAgainstEveryChain(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	chains := 0
	for n := range 3000 {
		q := random(r)
		steps := q.MaxSteps
		if steps == 0 {
			steps = plan.DefaultSteps
		}
		p := plan.Make(q)
		best, patched := cheapest(q, steps)
		if p.Time != best || p.Full == patched {
			t.Fatalf("question %d: %s, but the best takes %s\n%+v", n, p.Reason, best, q)
		}
		check(t, q, p, steps)
		if len(p.Steps) > 1 {
			chains++
		}
		r.Shuffle(len(q.Patches), func(i, j int) { q.Patches[i], q.Patches[j] = q.Patches[j], q.Patches[i] })
		r.Shuffle(len(q.Between), func(i, j int) { q.Between[i], q.Between[j] = q.Between[j], q.Between[i] })
		if again := plan.Make(q); !reflect.DeepEqual(again, p) {
			t.Fatalf("question %d: another order, another plan:\n%+v\n%+v", n, p, again)
		}
	}
	if chains < 100 {
		t.Errorf("only %d chains: the graphs are too tame", chains)
	}
}

// check holds a plan to what every plan must be.
func check(t *testing.T, q plan.Question, p plan.Plan, steps int) {
	t.Helper()
	if p.Full {
		if len(p.Steps) > 0 || p.Bytes != q.Full {
			t.Errorf("%+v", p)
		}
		return
	}
	at, total := q.Have, int64(0)
	signed := map[plan.Artifact]bool{q.Want: true}
	for _, a := range q.Between {
		signed[a] = true
	}
	for _, s := range p.Steps {
		if s.From != at || s.To != s.Result.SHA256 || !signed[s.Result] {
			t.Errorf("a step that leads astray: %+v", p)
		}
		at, total = s.To, total+s.Bytes
	}
	if at != q.Want.SHA256 || total != p.Bytes || len(p.Steps) > steps {
		t.Errorf("ends at %x with %d bytes in %d steps: %+v", at[0], total, len(p.Steps), p)
	}
}

func TestManyPatches(t *testing.T) {
	q := plan.Question{Have: [32]byte{31: 1}, Full: 1 << 30, MaxSteps: plan.MaxSteps + 1}
	for n := range 20_000 {
		from, to := [32]byte{byte(n), byte(n >> 8), 31: 1}, [32]byte{byte(n + 1), byte((n + 1) >> 8), 31: 1}
		q.Between = append(q.Between, plan.Artifact{SHA256: to, Length: 1000})
		q.Patches = append(q.Patches, plan.Patch{From: from, To: to, Codec: "zstd", Bytes: 10})
		if n == plan.MaxSteps-1 {
			q.Want = plan.Artifact{SHA256: to, Length: 1000}
			q.Patches[n].Bytes = 9 // those with the fewest bytes are considered
		}
	}
	for n := range plan.MaxSteps {
		q.Patches[n].Bytes = 9
	}
	if p := plan.Make(q); len(p.Steps) != plan.MaxSteps {
		t.Errorf("%d steps: %s", len(p.Steps), p.Reason)
	}
}

func Example() {
	v1, v2, v3 := [32]byte{1}, [32]byte{2}, [32]byte{3}
	p := plan.Make(plan.Question{
		Have:    v1,
		Want:    plan.Artifact{SHA256: v3, Length: 10_000_000},
		Full:    3_500_000,
		Between: []plan.Artifact{{SHA256: v2, Length: 10_000_000}},
		Patches: []plan.Patch{
			{From: v1, To: v2, Codec: "goexe", Bytes: 1_900},
			{From: v2, To: v3, Codec: "goexe", Bytes: 13_800},
		},
	})
	fmt.Println(p.Reason)
	// Output: a chain of 2 patches (goexe, goexe), 15700 bytes in about 708ms: the full artifact, 3500000 bytes, would take 1.917s
}
