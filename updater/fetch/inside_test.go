package fetch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The set of spans behaves like a set of bytes.
func TestSpans(t *testing.T) {
	const size = 40
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		var set spans
		var bytes [size]bool
		for range 30 {
			from := random.Int64N(size)
			s := span{from, from + random.Int64N(size-from+1)}
			add := random.IntN(2) == 0
			if add {
				set.add(s)
			} else {
				set.cut(s)
			}
			for n := s.from; n < s.to; n++ {
				bytes[n] = add
			}
		}
		agree(t, set, bytes[:])
	}
}

func agree(t *testing.T, set spans, bytes []bool) {
	t.Helper()
	var count int64
	for n, in := range bytes {
		if in {
			count++
		}
		if at := set.at(int64(n)); (at.size() > 0) != in || in && (at.from > int64(n) || at.to <= int64(n)) {
			t.Fatalf("%v: byte %d is in %v", set, n, at)
		}
		gap := set.gap(int64(n), int64(len(bytes)))
		want := slices.Index(bytes[n:], false)
		if (gap.size() > 0) != (want >= 0) || want >= 0 && gap.from != int64(n+want) {
			t.Fatalf("%v: the gap after %d is %v", set, n, gap)
		}
	}
	if set.size() != count {
		t.Fatalf("%v: %d bytes, not %d", set, set.size(), count)
	}
	for i := 1; i < len(set); i++ {
		if set[i].from <= set[i-1].to {
			t.Fatalf("%v touch", set)
		}
	}
}

func TestSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := slots{free: 2}
		yields := 0
		get := func(p Priority) *slot {
			t.Helper()
			s, err := q.acquire(t.Context(), p, func() { yields++ })
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		first, second := get(Background), get(Background)
		var order []Priority
		for _, p := range []Priority{Background, Asked, Asked} {
			go func() { order = append(order, get(p).priority) }()
			synctest.Wait()
		}
		if yields != 2 || len(order) != 0 {
			t.Errorf("%d of the background were asked to give way, %v got in", yields, order)
		}
		q.release(first)
		synctest.Wait()
		q.release(second)
		synctest.Wait()
		if !slices.Equal(order, []Priority{Asked, Asked}) {
			t.Errorf("in came %v", order)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		reason := errors.New("no longer wanted")
		cancel(reason)
		if _, err := q.acquire(ctx, Asked, nil); !errors.Is(err, reason) {
			t.Error(err)
		}
		q.release(&slot{priority: Asked}) // one of both who asked
		synctest.Wait()
		if len(order) != 3 || order[2] != Background || q.free != 0 || len(q.waiting[Asked]) != 0 {
			t.Errorf("%v, %d free", order, q.free)
		}
	})
}

// What the network gives to a number of requests, and the number that is found.
func TestTuner(t *testing.T) {
	for _, tc := range []struct {
		name     string
		goodput  func(width int) float64
		low, top int
	}{
		{"each brings the same", func(w int) float64 { return float64(w) }, 16, 16},
		{"one is enough", func(int) float64 { return 10 }, 1, 3},
		{"five fill the line", func(w int) float64 { return float64(min(w, 5)) }, 4, 8},
		{"many hurt", func(w int) float64 { return float64(min(w, 4)) / float64(max(w, 4)) * 4 }, 3, 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tuner := newTuner(1, 16)
			var bytes float64
			now := time.Now()
			for range 400 {
				tuner.look(now, int64(bytes), 100*time.Millisecond, true)
				now = now.Add(100 * time.Millisecond)
				bytes += tc.goodput(tuner.width) * 1e6
			}
			if tuner.width < tc.low || tuner.width > tc.top {
				t.Errorf("found %d", tuner.width)
			}
			before := tuner.width
			tuner.trouble()
			if tuner.width != max(before/2, 1) {
				t.Errorf("%d after trouble with %d", tuner.width, before)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for s, want := range map[string]time.Duration{
		"": 0, "soon": 0, "0": 0, "-5": 0, "7": 7 * time.Second, "99999999999999": 0,
		now.Add(time.Minute).Format(http.TimeFormat): time.Minute, now.Add(-time.Minute).Format(http.TimeFormat): 0,
	} {
		if got := retryAfter(s, now); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "1", "-1", "2147483647", "Wed, 21 Oct 2015 07:28:00 GMT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d := retryAfter(s, time.Unix(0, 0)); d < 0 {
			t.Errorf("%q: %v", s, d)
		}
	})
}

func FuzzContentRange(f *testing.F) {
	for _, s := range []string{"bytes 5-9/10", "bytes 0-0/*", "bytes */10", "bytes 9-5/10", "bytes 0-9223372036854775807/9223372036854775807", "bytes -1-2/3", "items 1-2/3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		part, total, ok := contentRange(s)
		if ok && (part.from < 0 || part.size() <= 0 || total != -1 && total < part.to) {
			t.Errorf("%q: %v of %d", s, part, total)
		}
		if ok && total >= 0 {
			again, same, ok := contentRange(fmt.Sprintf("bytes %d-%d/%d", part.from, part.to-1, total))
			if !ok || again != part || same != total {
				t.Errorf("%q is not read back", s)
			}
		}
		if n := unsatisfied(s); n < -1 {
			t.Errorf("%q: %d", s, n)
		}
	})
}

func FuzzSidecar(f *testing.F) {
	for _, s := range []string{`{"length":100,"have":[[0,10],[20,30]],"tags":{"http://h/x":"\"v1\""}}`, `{"length":100,"have":[[10,5]]}`, `{"length":99}`,
		`{"length":100,"have":[[-1,5]]}`, `{"length":100,"have":[[0,101]]}`, `{"length":100,"tags":{"a":"b\r\nc"}}`, `[]`, strings.Repeat("[", 1000)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseSidecar(b, 100)
		if err != nil {
			return
		}
		end := int64(0)
		for _, e := range s.spans() {
			if e.from < end || e.to <= e.from || e.to > 100 {
				t.Fatalf("%s: %v", b, s.Have)
			}
			end = e.to
		}
		for _, tag := range s.Tags {
			if strings.ContainsAny(tag, "\r\n\x00") {
				t.Fatalf("%q can not be sent", tag)
			}
		}
		again, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := parseSidecar(again, 100); err != nil || !slices.Equal(back.spans(), s.spans()) {
			t.Fatalf("%s is not read back: %v", again, err)
		}
	})
}
