package feed

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// FuzzCheckAnswer reads anything at all as the answer of a check endpoint.
func FuzzCheckAnswer(f *testing.F) {
	f.Add([]byte(`{"next":18000}`))
	f.Add([]byte(`{"next":18000,"files":{"timestamp.json":{"signed":{}},"2.root.json":{ "a" : 1 }}}`))
	f.Add([]byte(`{"next":-1e308,"files":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := parseAnswer(data)
		if err != nil {
			return
		}
		if a.next < 0 || a.next > maxNext || a.next > 0 && a.next < minNext {
			t.Errorf("next is %v", a.next)
		}
		files := a.before(func(string, int64) ([]byte, error) { return nil, io.EOF })
		for name, want := range a.files {
			if got, err := files(name, int64(len(want))); err != nil || !bytes.Contains(data, got) {
				t.Errorf("%q came as %q, %v: not as it was sent", name, got, err)
			}
			if _, err := files(name, int64(len(want))-1); err == nil {
				t.Errorf("%q is longer than its limit", name)
			}
		}
	})
}

// FuzzEvents reads anything at all as a push stream, in one piece and byte by byte.
func FuzzEvents(f *testing.F) {
	f.Add([]byte("event: changed\ndata: {\"timestamp\":41}\n\n:\n\ndata\n\n"))
	f.Add([]byte("event:changed\r\ndata:a\r\ndata: b\r\nid: 1\r\n\r\nretry: 5\n\n"))
	f.Add([]byte(strings.Repeat("data: x\n", 900)))
	f.Fuzz(func(t *testing.T, data []byte) {
		read := func(r io.Reader) (events []event) {
			lines := 0
			err := readEvents(r, func() { lines++ }, func(e event) { events = append(events, e) })
			if err == nil || lines > bytes.Count(data, []byte("\n")) {
				t.Fatalf("%d lines, ended with %v", lines, err)
			}
			return events
		}
		whole, bytewise := read(bytes.NewReader(data)), read(iotest.OneByteReader(bytes.NewReader(data)))
		if len(whole) != len(bytewise) {
			t.Fatalf("%d events in one piece, %d byte by byte", len(whole), len(bytewise))
		}
		for i, e := range whole {
			if e != bytewise[i] || e.data == "" || len(e.name)+len(e.data) > maxEvent {
				t.Errorf("event %+v, byte by byte %+v", e, bytewise[i])
			}
			e.timestamp()
		}
	})
}

func TestEvents(t *testing.T) {
	for stream, want := range map[string][]int64{
		"event: changed\ndata: {\"timestamp\":41}\n\n":                                 {41},
		":\n\nevent:changed\r\ndata:{\"timestamp\":\r\ndata:42}\r\nid: 7\r\n\r\n:\n\n": {42},
		"data: {\"timestamp\":41}\n\n":                                                 nil, // no name
		"event: other\ndata: {\"timestamp\":41}\n\n":                                   nil,
		"event: changed\ndata: {\"timestamp\":-1}\n\n":                                 nil,
		"event: changed\ndata: 41\n\n":                                                 nil,
		"event: changed\n\ndata: {\"timestamp\":41}\n\n":                               nil, // two events
		"event: changed\ndata: {\"timestamp\":41}\n":                                   nil, // cut off
	} {
		var got []int64
		_ = readEvents(strings.NewReader(stream), func() {}, func(e event) {
			if v, ok := e.timestamp(); ok {
				got = append(got, v)
			}
		})
		if len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
			t.Errorf("%q: got %v, want %v", stream, got, want)
		}
	}
}

func TestJitter(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 100 {
		d := jittered(time.Minute)
		if d < 30*time.Second || d >= 90*time.Second {
			t.Fatalf("a minute became %v", d)
		}
		seen[d] = true
	}
	if len(seen) < 50 {
		t.Errorf("only %d different times", len(seen))
	}
}
