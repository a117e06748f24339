package fetch

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func begun(t *testing.T, o Options, length int64) *download {
	t.Helper()
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return newDownload(f, Request{URLs: []string{"http://first/file"}, Path: filepath.Join(t.TempDir(), "file"+Suffix), Length: length})
}

// What changes is asked about at once, also when something else woke the download in the same moment, or while May was answering.
func TestReconsiderIsNeverMissed(t *testing.T) {
	asked := 0
	var d *download
	d = begun(t, Options{May: func(Request) Verdict {
		if asked++; asked == 2 {
			d.f.Reconsider()
		}
		return Verdict{Wait: Metered}
	}}, 1)
	g, now := gate{d: d}, time.Now()
	for i, want := range []int{1, 1, 2, 3, 3} {
		if i == 2 {
			d.f.Reconsider()
		}
		if g.look(now); asked != want {
			t.Errorf("look %d: asked %d times, want %d", i, asked, want)
		}
	}
}

// A lease whose bytes are being written is not silent, nor is it right after that: its part is not given to somebody else.
func TestWritingIsNoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(100, 100)
		e := &lease{end: 100, asked: time.Now()}
		for _, step := range []struct {
			does func()
			want time.Duration
		}{
			{func() {}, time.Hour},
			{func() { l.writes(e, true) }, 0},
			{func() { l.wrote(e, 10) }, 0},
			{func() { l.writes(e, false) }, time.Hour},
		} {
			step.does()
			time.Sleep(time.Hour)
			if silent := e.silent(time.Now()); silent != step.want {
				t.Errorf("silent for %v, want %v", silent, step.want)
			}
		}
	})
}

// An answer to a request that is no longer wanted changes nothing.
func TestAnAnswerTooLate(t *testing.T) {
	const length = 1000
	for name, tc := range map[string]struct {
		end  func(*worker)
		want error
	}{
		"another has taken over": {func(w *worker) { w.revoked = true }, errRevoked},
		"it waits":               {func(w *worker) { w.cancel(errHeld) }, errHeld},
	} {
		for _, head := range []*http.Response{
			{StatusCode: http.StatusOK, ContentLength: length, Header: http.Header{"Etag": {`"new"`}}},
			{StatusCode: http.StatusPartialContent, ContentLength: 500, Header: http.Header{"Etag": {`"new"`}, "Content-Range": {"bytes 500-999/1000"}}},
			{StatusCode: http.StatusRequestedRangeNotSatisfiable, Header: http.Header{}},
		} {
			t.Run(name+", "+http.StatusText(head.StatusCode), func(t *testing.T) {
				d := begun(t, Options{}, length)
				s := d.sources.all[0]
				s.tag = `"old"`
				there := span{0, 500}
				d.ledger.have.add(there)
				w := &worker{d: d, source: s, lease: &lease{pos: 500, end: length}}
				w.ctx, w.cancel = context.WithCancelCause(t.Context())
				defer w.cancel(nil)
				d.workers[w] = true
				tc.end(w)
				if err := w.accept(head, true, false); !errors.Is(err, tc.want) {
					t.Errorf("got %v", err)
				}
				if !d.ledger.have.has(there) || s.tag != `"old"` || s.whole || d.sole.Load() != nil {
					t.Errorf("have %v, tag %s, whole %v", d.ledger.have, s.tag, s.whole)
				}
			})
		}
	}
}

// The map says what is there, also when that is another part of the same size, or of another file.
func TestTheMapFollows(t *testing.T) {
	d := begun(t, Options{}, 1000)
	if _, _, err := d.part.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer d.part.close()
	for _, now := range []struct {
		have span
		tag  string
	}{{span{0, 300}, "old"}, {span{300, 600}, "old"}, {span{300, 600}, "new"}, {span{}, "new"}} {
		d.ledger.have = nil
		d.ledger.have.add(now.have)
		d.sources.all[0].tag = now.tag
		d.checkpoint()
		got := readSidecar(d.r.Path+mapSuffix, 1000)
		if there := got.spans(); there.size() != now.have.size() || !there.has(now.have) || got.Tags["http://first/file"] != now.tag {
			t.Errorf("%v %s: %+v", now.have, now.tag, got)
		}
	}
}
