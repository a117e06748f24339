package release

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/zeebo/blake3"
)

func TestRolloutRoundTrip(t *testing.T) {
	want := Rollout{
		Channel: Beta, Target: version(t, "1.2.0"), Previous: version(t, "1.1.0"), Salt: "1.2.0", Share: 500,
		Recalled: []Version{version(t, "1.1.9")},
	}
	custom, err := EncodeRollout(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeRollout("notes", RolloutPath("notes", Beta), custom)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, %v", got, err)
	}
	for name, path := range map[string]string{
		"another app's": "other/rollout/beta", "no channel": "notes/rollout/edge", "a release's": "notes/beta/linux-amd64/1.0.0",
	} {
		if _, err := DecodeRollout("notes", path, custom); err == nil {
			t.Errorf("%s name was taken", name)
		}
	}
	newer := strings.Replace(string(custom), `"schema":1`, `"schema":2`, 1)
	if _, err := DecodeRollout("notes", RolloutPath("notes", Beta), []byte(newer)); !errors.Is(err, ErrSchema) {
		t.Errorf("a newer schema: %v", err)
	}
}

func TestRolloutRefuses(t *testing.T) {
	good := Rollout{Channel: Stable, Target: version(t, "1.2.0"), Salt: "s", Share: 1}
	for name, change := range map[string]func(*Rollout){
		"no channel":        func(r *Rollout) { r.Channel = "" },
		"no target":         func(r *Rollout) { r.Target = Version{} },
		"negative share":    func(r *Rollout) { r.Share = -1 },
		"more than all":     func(r *Rollout) { r.Share = Shares + 1 },
		"no salt":           func(r *Rollout) { r.Salt = "" },
		"long salt":         func(r *Rollout) { r.Salt = strings.Repeat("s", maxSalt+1) },
		"recalls nothing":   func(r *Rollout) { r.Recalled = make([]Version, 1) },
		"recalls too often": func(r *Rollout) { r.Recalled = make([]Version, maxRecalled+1) },
	} {
		r := good
		change(&r)
		if _, err := EncodeRollout(r); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
}

func TestFloor(t *testing.T) {
	want := version(t, "1.2.0")
	custom, err := EncodeFloor(want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := DecodeFloor(custom); err != nil || got != want {
		t.Fatalf("got %v, %v", got, err)
	}
	if _, err := EncodeFloor(Version{}); err == nil {
		t.Error("no version was encoded")
	}
	if _, err := DecodeFloor([]byte(`{"schema":1}`)); err == nil {
		t.Error("no version was decoded")
	}
}

func TestSegments(t *testing.T) {
	data := bytes.Repeat([]byte("segment by segment "), SegmentSize/8)
	var w SegmentWriter
	for rest := data; len(rest) > 0; {
		n := min(len(rest), 333_333)
		_, _ = w.Write(rest[:n])
		rest = rest[n:]
	}
	got := w.Segments()
	if got.Len() != 3 {
		t.Fatalf("%d segments of %d bytes", got.Len(), len(data))
	}
	for i := range got.Len() {
		sum := blake3.Sum256(data[i*SegmentSize : min(len(data), (i+1)*SegmentSize)])
		if !bytes.Equal(got[i*segmentSum:(i+1)*segmentSum], sum[:]) {
			t.Errorf("segment %d differs", i)
		}
	}
	for length, fits := range map[int64]bool{
		int64(len(data)): true, 2*SegmentSize + 1: true, 3 * SegmentSize: true, 2 * SegmentSize: false, 3*SegmentSize + 1: false,
	} {
		if (got.check(length) == nil) != fits {
			t.Errorf("fits %d bytes: %v", length, !fits)
		}
	}
	r := sample(t)
	r.Full.Length, r.Segments = int64(len(data)), got
	custom, err := Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := Decode(r.TargetPath(), r.Length, r.SHA256, custom); err != nil || !bytes.Equal(back.Segments, got) {
		t.Errorf("came back as %d segments, %v", back.Segments.Len(), err)
	}
	r.Segments = got[:32]
	if _, err := Encode(r); err == nil {
		t.Error("a list that is too short was encoded")
	}
}
