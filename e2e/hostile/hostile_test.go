//go:build e2e && linux

package hostile

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	memoryBound = 32 << 20
	share       = 100 // one hundredth may be fetched twice
)

type trial struct {
	name   string
	answer func() answer
	want   string        // label; "" when the file must come
	spare  int64         // bytes that may be fetched twice besides, where a case is about them
	waits  time.Duration // at least
	only   string        // "proven" or "unproven"; "" for both
	flags  []string
}

// always makes an answer that has no memory.
func always(a answer) func() answer { return func() answer { return a } }

// first lets the server misbehave for so many requests, and then behave.
func first(times int64, a answer) func() answer {
	return always(func(b *bed, n int64, w http.ResponseWriter, r *http.Request) {
		if n <= times {
			a(b, n, w, r)
			return
		}
		b.serve(w, r)
	})
}

// fifth sends a fifth of what is asked for, and hands the connection over.
func fifth(b *bed, w http.ResponseWriter, r *http.Request, then func(b *bed, c io.Closer)) {
	c, from, to := b.raw(w, r)
	if b.send(c, file[from:from+(to-from)/5]) == nil {
		then(b, c)
	}
	c.Close()
}

var trials = []trial{
	{name: "nothing wrong", answer: always(func(b *bed, _ int64, w http.ResponseWriter, r *http.Request) { b.serve(w, r) })},
	{name: "stalls before the head", answer: first(2, func(_ *bed, _ int64, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })},
	{name: "stalls in the body", answer: first(3, func(b *bed, _ int64, w http.ResponseWriter, r *http.Request) {
		c, from, to := b.raw(w, r)
		_ = b.send(c, file[from:from+(to-from)/5]) // the client decides what it makes of it
		b.hold(c)
	})},
	{name: "stalls for ever", want: "stalled", answer: always(func(b *bed, _ int64, w http.ResponseWriter, r *http.Request) {
		c, _, _ := b.raw(w, r)
		b.hold(c)
	})},
	{name: "drips once", answer: first(1, drip)},
	{name: "drips for ever", want: "stalled", answer: always(drip)},
	{name: "truncates", answer: first(8, func(b *bed, _ int64, w http.ResponseWriter, r *http.Request) {
		fifth(b, w, r, func(*bed, io.Closer) {})
	})},
	{name: "resets at every tenth", answer: resets},
	{name: "resets before the head", answer: first(4, func(b *bed, _ int64, w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })},
	{name: "announces too much", want: "too_long", answer: always(func(_ *bed, _ int64, w http.ResponseWriter, r *http.Request) {
		from, to := asked(r)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(file)+1))
		w.WriteHeader(http.StatusPartialContent)
	})},
	{name: "announces too little", want: "truncated", answer: always(func(_ *bed, _ int64, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(file)-1))
		_, _ = w.Write(file[1:]) // the client hangs up
	})},
	{name: "sends without end", want: "too_long", only: "unproven", answer: always(endless)},
	{name: "sends other bytes without end", want: "corrupt", only: "proven", answer: always(endless)},
	{name: "sends more than the part", answer: always(func(b *bed, _ int64, w http.ResponseWriter, r *http.Request) {
		c, from, to := b.raw(w, r)
		if b.send(c, file[from:to]) == nil {
			_, _ = c.Write(bytes.Repeat([]byte("HTTP/1.1 200 OK\r\n"), 1000)) // smuggled: it must not be taken for an answer
		}
		c.Close()
	})},
	{name: "redirects in a circle", want: "refused", answer: always(func(_ *bed, _ int64, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/file", http.StatusFound)
	})},
	{name: "a web page", want: "page", answer: always(func(_ *bed, _ int64, w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "<html><body>Please log in</body></html>")
	})},
	{name: "a web page without a length, then the file", answer: first(3, func(_ *bed, _ int64, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<html>")
		_ = http.NewResponseController(w).Flush()
		fmt.Fprint(w, "Please log in</html>")
	})},
	{name: "another part than asked for, once", answer: first(1, wrongPart)},
	{name: "another part than asked for, always", want: "refused unreachable", answer: always(wrongPart)},
	{name: "416 once", answer: first(1, func(_ *bed, _ int64, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
	})},
	{name: "416 always", want: "refused", answer: always(func(_ *bed, _ int64, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
	})},
	{name: "429 with Retry-After", waits: time.Second, answer: first(2, func(_ *bed, _ int64, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	})},
	{name: "429 for an hour", want: "busy", answer: always(func(_ *bed, _ int64, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	})},
	{name: "429 for all but two at once", answer: crowded},
	{name: "bursts of 5xx", answer: always(func(b *bed, n int64, w http.ResponseWriter, r *http.Request) {
		if n%7 < 4 {
			w.WriteHeader([]int{500, 502, 503, 504}[n%7])
			return
		}
		b.serve(w, r)
	})},
	{name: "5xx always", want: "unreachable", answer: always(func(_ *bed, _ int64, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
	})},
	{name: "not there", want: "not_found", answer: always(func(_ *bed, _ int64, w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) })},
	{name: "everything or nothing", spare: 40 << 20 / 100, answer: always(func(b *bed, _ int64, w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		b.serve(w, r)
	})},
	{name: "another file for a moment", only: "proven", spare: 3 << 20, answer: always(func(b *bed, n int64, w http.ResponseWriter, r *http.Request) {
		if n == 3 {
			r.Header.Del("If-Range")
			b.serveFile(w, r, other, `"v2"`)
			return
		}
		b.serve(w, r)
	})},
	{name: "another file from now on", want: "corrupt", only: "proven", answer: always(func(b *bed, n int64, w http.ResponseWriter, r *http.Request) {
		if n > 2 {
			b.serveFile(w, r, other, `"v2"`)
			return
		}
		b.serve(w, r)
	})},
	{name: "a tag of its own in each answer", only: "proven", answer: always(tagged)},
	// Without proof it looks like a file that was replaced, and what came of the former is of no use: once.
	{name: "a tag of its own in each answer, no proof", only: "unproven", spare: 40 << 20, answer: always(tagged)},
	{name: "a tag of its own in each answer, no conditions", only: "unproven", spare: 40 << 20, answer: always(func(b *bed, n int64, w http.ResponseWriter, r *http.Request) {
		r.Header.Del("If-Range")
		tagged(b, n, w, r)
	})},
	{name: "a bomb of zeros", want: "corrupt truncated too_long", only: "proven", answer: always(func(_ *bed, _ int64, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb) // the client hangs up
	})},
	{name: "a head without end", want: "unreachable", answer: always(func(b *bed, _ int64, w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			b.t.Error(err)
			return
		}
		defer c.Close()
		_, err = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		for line := bytes.Repeat([]byte("X-Padding: 0123456789\r\n"), 1000); err == nil; {
			_, err = c.Write(line)
		}
	})},
}

var other = bytes.Repeat([]byte("not what was signed "), len(file)/20+1)[:len(file)]

// bomb is 64 KiB, and 64 MiB for whoever unpacks it.
var bomb = func() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(make([]byte, 64<<20)) // a buffer takes everything
	_ = z.Close()
	return b.Bytes()
}()

func tagged(b *bed, n int64, w http.ResponseWriter, r *http.Request) {
	b.serveFile(w, r, file, fmt.Sprintf(`"%d"`, n))
}

func endless(_ *bed, _ int64, w http.ResponseWriter, _ *http.Request) {
	_ = http.NewResponseController(w).Flush()
	for {
		if _, err := w.Write(other); err != nil {
			return
		}
	}
}

func wrongPart(_ *bed, _ int64, w http.ResponseWriter, r *http.Request) {
	from, to := asked(r)
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from+1, to-1, len(file)))
	w.WriteHeader(http.StatusPartialContent)
	_, _ = w.Write(file[from+1 : to]) // the client hangs up
}

func drip(b *bed, _ int64, w http.ResponseWriter, r *http.Request) {
	c, from, to := b.raw(w, r)
	defer c.Close()
	for ; from < to; from++ {
		if b.send(c, file[from:from+1]) != nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// resets breaks the connection that carries the byte at each tenth of the whole.
func resets() answer {
	var passed atomic.Int64
	return func(b *bed, _ int64, w http.ResponseWriter, r *http.Request) {
		c, from, to := b.raw(w, r)
		for from < to {
			n := min(to-from, 32<<10)
			if b.send(c, file[from:from+n]) != nil {
				c.Close()
				return
			}
			from += n
			if tenth := passed.Load(); tenth < 9 && b.sent.Load() > (tenth+1)*int64(len(file))/10 && passed.CompareAndSwap(tenth, tenth+1) {
				b.reset(c)
				return
			}
		}
		c.Close()
	}
}

// crowded serves two requests at once and refuses the others.
func crowded() answer {
	var now atomic.Int64
	return func(b *bed, _ int64, w http.ResponseWriter, r *http.Request) {
		defer now.Add(-1)
		if now.Add(1) > 2 {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		b.serve(w, r)
	}
}

func TestHostileServers(t *testing.T) {
	for _, tc := range trials {
		for _, kind := range []string{"proven", "unproven"} {
			if tc.only != "" && tc.only != kind {
				continue
			}
			t.Run(tc.name+"/"+kind, func(t *testing.T) { try(t, tc, kind == "proven") })
		}
	}
}

func try(t *testing.T, tc trial, proven bool) {
	t.Parallel()
	b, address := newBed(t, tc.answer())
	c := start(t, filepath.Join(t.TempDir(), "file.unverified"), proven, address, tc.flags...)
	began := time.Now()
	c.begin()
	o := c.end()
	t.Logf("%d requests, %d bytes sent, %.1f MiB beyond idle, %.1f s: %q %s", b.requests.Load(), b.sent.Load(), float64(o.memory)/(1<<20), o.Seconds, o.Label, o.Error)
	if o.memory > memoryBound {
		t.Errorf("it took %d bytes of memory beyond idle", o.memory)
	}
	if tc.want != "" {
		if o.Label == "" || !bytes.Contains([]byte(tc.want), []byte(o.Label)) || len(o.Error) < 30 {
			t.Errorf("ended with %q, want %q", o.Label, tc.want)
		}
		if _, err := os.Stat(c.output); err == nil {
			t.Error("a file is there under its own name")
		}
		return
	}
	if o.Label != "" {
		t.Fatalf("ended with %s\n%s", o.Error, &c.said)
	}
	c.right()
	if again := b.sent.Load() - int64(len(file)); again > int64(len(file))/share+tc.spare {
		t.Errorf("%d bytes were fetched again", again)
	}
	if waited := time.Since(began); waited < tc.waits {
		t.Errorf("came back after %v, was asked to wait %v", waited, tc.waits)
	}
}

// piece is what a connection sends at once.
const piece = 16 << 10

// A process that ends in the middle, in whatever way, leaves what the next one goes on with.
func TestResumeAfterTheProcessEnded(t *testing.T) {
	for _, tc := range []struct {
		signal syscall.Signal
		proven bool
		lost   int64 // bytes that may be lost
	}{
		// Told to end, it notes where it is. What is on its way meanwhile is lost: a piece for each connection.
		{syscall.SIGTERM, true, int64(len(file))/share + 16*piece}, {syscall.SIGTERM, false, int64(len(file))/share + 16*piece},
		// Killed, it has noted where it was 0.2 s ago where segments prove it, and else a second ago.
		{syscall.SIGKILL, true, 4 << 20}, {syscall.SIGKILL, false, 12 << 20},
	} {
		t.Run(fmt.Sprintf("%s, proven %v", tc.signal, tc.proven), func(t *testing.T) {
			t.Parallel()
			half := make(chan struct{})
			slow := func(b *bed, _ int64, w http.ResponseWriter, r *http.Request) {
				c, from, to := b.raw(w, r)
				defer c.Close()
				for from < to {
					n := min(to-from, piece)
					before := b.sent.Load()
					if b.send(c, file[from:from+n]) != nil {
						return
					}
					from += n
					if middle := int64(len(file) / 2); before < middle && before+n >= middle {
						close(half)
					}
					time.Sleep(30 * time.Millisecond) // some 8 MB a second over all connections
				}
			}
			b, address := newBed(t, slow)
			output := filepath.Join(t.TempDir(), "file.unverified")
			c := start(t, output, tc.proven, address)
			c.begin()
			<-half
			c.must(c.cmd.Process.Signal(tc.signal))
			c.in.Close()
			_ = c.cmd.Wait() // it ends with an error
			at := b.sent.Load()
			c = start(t, output, tc.proven, address)
			c.begin()
			o := c.end()
			if o.Label != "" {
				t.Fatal(o.Error)
			}
			c.right()
			t.Logf("ended at %d, continued from %d, sent %d of %d", at, o.Resumed, b.sent.Load(), len(file))
			if o.Resumed < at-tc.lost {
				t.Errorf("continued from %d, had %d", o.Resumed, at)
			}
			if again := b.sent.Load() - int64(len(file)); again > tc.lost {
				t.Errorf("%d bytes were fetched again", again)
			}
			if o.memory > memoryBound {
				t.Errorf("it took %d bytes of memory beyond idle", o.memory)
			}
		})
	}
}
