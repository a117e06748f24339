package snapshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/app/sandbox"
)

func folderIn(t *testing.T, base string) *sandbox.Folder {
	t.Helper()
	s, err := sandbox.Open(sandbox.Options{App: "App", Base: base})
	if err != nil {
		t.Fatal(err)
	}
	return s.Snapshots()
}

func store(t *testing.T, folder *sandbox.Folder, schema int) *Store {
	t.Helper()
	s, err := Open(folder, schema)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func appendText(t *testing.T, s *Store, text string) Record {
	t.Helper()
	r, err := s.Append([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantNewest(t *testing.T, s *Store, schema int, want string) {
	t.Helper()
	_, payload, ok, err := s.Newest(schema)
	if err != nil || ok != (want != "") || string(payload) != want {
		t.Errorf("Newest(%d) = %q, %t, %v; want %q", schema, payload, ok, err, want)
	}
}

func files(t *testing.T, folder *sandbox.Folder) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder.Path(), "*.snapshot"))
	if err != nil {
		t.Fatal(err)
	}
	return found // in order of their sequence numbers
}

func TestOpenRefuses(t *testing.T) {
	folder := folderIn(t, t.TempDir())
	for _, schema := range []int{-1, maxSchema + 1} {
		if _, err := Open(folder, schema); err == nil {
			t.Errorf("Open accepted schema %d", schema)
		}
	}
	if _, err := Open(nil, 1); err == nil {
		t.Error("Open accepted no folder")
	}
}

func TestAppendAndNewest(t *testing.T) {
	folder := folderIn(t, t.TempDir())
	s := store(t, folder, 3)
	wantNewest(t, s, 3, "")
	before := time.Now()
	first := appendText(t, s, "one")
	second := appendText(t, s, "two")
	if first.Seq != 1 || second.Seq != 2 || second.Schema != 3 || second.Size != 3 {
		t.Errorf("records %+v and %+v", first, second)
	}
	if first.At.Before(before.Round(0)) || second.At.Before(first.At) {
		t.Errorf("times %v and %v", first.At, second.At)
	}
	got, payload, ok, err := store(t, folder, 3).Newest(3)
	if err != nil || !ok || string(payload) != "two" || got.Seq != second.Seq || !got.At.Equal(second.At) || got.Size != 3 {
		t.Errorf("Newest = %+v, %q, %t, %v; want %+v", got, payload, ok, err, second)
	}
	if r, err := s.Append(nil); err != nil || r.Size != 0 {
		t.Errorf("an empty payload: %+v, %v", r, err)
	}
	if _, payload, ok, err := s.Newest(3); err != nil || !ok || len(payload) != 0 {
		t.Errorf("the empty payload comes back as %q, %t, %v", payload, ok, err)
	}
}

// The life of an app that is updated, rolled back and updated again.
func TestNewestAcrossSchemas(t *testing.T) {
	folder := folderIn(t, t.TempDir())
	old, next := store(t, folder, 1), store(t, folder, 2)

	appendText(t, old, "old 1")
	wantNewest(t, next, 2, "old 1") // the update migrates up
	appendText(t, next, "next 1")
	wantNewest(t, next, 2, "next 1")
	wantNewest(t, old, 1, "old 1") // the rollback finds its own
	appendText(t, old, "old 2")
	wantNewest(t, old, 1, "old 2")
	wantNewest(t, next, 2, "old 2") // the second update takes the later state, not that of its first time
	wantNewest(t, next, 0, "old 2") // only higher ones: the newest of them
	appendText(t, next, "next 2")
	wantNewest(t, next, 0, "next 2")
	wantNewest(t, next, 9, "next 2")
}

func TestCompactionKeepsTwoOfEachSchema(t *testing.T) {
	folder := folderIn(t, t.TempDir())
	for schema := range 3 {
		s := store(t, folder, schema)
		for i := range 20 {
			appendText(t, s, fmt.Sprint(schema, "-", i))
		}
	}
	if found := files(t, folder); len(found) != 3*keep {
		t.Errorf("%d files are left: %q", len(found), found)
	}
	for schema := range 3 {
		wantNewest(t, store(t, folder, 0), schema, fmt.Sprint(schema, "-", 19))
	}
}

func TestSizeLimit(t *testing.T) {
	folder := folderIn(t, t.TempDir())
	s := store(t, folder, 1)
	appendText(t, s, "good")
	if _, err := s.Append(make([]byte, MaxSize+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a payload above the limit: %v", err)
	}
	wantNewest(t, s, 1, "good")
}

// Every way in which the newest file can be torn gives way to the one before it.
func TestTornRecordsArePassedOver(t *testing.T) {
	text := strings.Repeat("state ", 20)
	whole := encode(Record{Seq: 2, Schema: 1, At: time.Unix(1, 0)}, []byte(text))
	torn := map[string][]byte{
		"empty":         {},
		"zeros":         make([]byte, len(whole)),
		"grown":         append(bytes.Clone(whole), 0),
		"other magic":   append([]byte("UISNAP\x00\x02"), whole[8:]...),
		"another's":     encode(Record{Seq: 1, Schema: 1}, []byte(text)),
		"other schema":  encode(Record{Seq: 2, Schema: 2}, []byte(text)),
		"huge length":   append(append(bytes.Clone(whole[:28]), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), whole[36:]...),
		"zeroed half":   append(bytes.Clone(whole[:80]), make([]byte, len(whole)-80)...),
		"text, no file": []byte("<html>"),
	}
	for cut := 1; cut < len(whole); cut += 7 {
		torn[fmt.Sprint("cut at ", cut)] = whole[:cut]
	}
	for at := 0; at < len(whole); at += 5 {
		flipped := bytes.Clone(whole)
		flipped[at] ^= 0x10
		torn[fmt.Sprint("flipped at ", at)] = flipped
	}
	folder := folderIn(t, t.TempDir())
	s := store(t, folder, 1)
	for what, data := range torn {
		for _, f := range files(t, folder) {
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		}
		appendText(t, s, "before")
		if err := os.WriteFile(filepath.Join(folder.Path(), name{seq: 2, schema: 1}.String()), data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, payload, ok, err := s.Newest(1)
		if err != nil || !ok || string(payload) != "before" {
			t.Errorf("%s: Newest = %q, %t, %v", what, payload, ok, err)
		}
		appendText(t, s, "after")
		if r, payload, _, _ := s.Newest(1); string(payload) != "after" || r.Seq != 3 {
			t.Errorf("%s: after another Append, Newest = %+v, %q", what, r, payload)
		}
	}
}

func TestAllRecordsDamaged(t *testing.T) {
	folder := folderIn(t, t.TempDir())
	s := store(t, folder, 1)
	appendText(t, s, "one")
	appendText(t, s, "two")
	for _, f := range files(t, folder) {
		if err := os.Truncate(f, 41); err != nil {
			t.Fatal(err)
		}
	}
	wantNewest(t, s, 1, "")
}

func TestForeignNamesAreLeftAlone(t *testing.T) {
	folder := folderIn(t, t.TempDir())
	s := store(t, folder, 1)
	foreign := []string{"notes.txt", "1-1.snapshot", "0000000000000009-01.snapshot", "000000000000000G-1.snapshot", "0000000000000009--1.snapshot", "0000000000000009-1.snapshot.bak"}
	for _, n := range foreign {
		if err := folder.WriteFile(n, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		appendText(t, s, "mine")
	}
	for _, n := range foreign {
		if _, err := folder.Stat(n); err != nil {
			t.Errorf("%s: %v", n, err)
		}
	}
	wantNewest(t, s, 1, "mine")
}

func TestUnusableFolderIsReportedAndHeals(t *testing.T) {
	base := t.TempDir()
	inTheWay := filepath.Join(base, "Snapshots")
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := store(t, folderIn(t, base), 1)
	var problem *sandbox.FolderError
	if _, err := s.Append([]byte("x")); !errors.As(err, &problem) {
		t.Errorf("Append = %v", err)
	}
	if _, _, _, err := s.Newest(1); !errors.As(err, &problem) {
		t.Errorf("Newest = %v", err)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	appendText(t, s, "healed")
	wantNewest(t, s, 1, "healed")
}

// Two writing processes and a reading one: nothing is torn, and no sequence number is given twice.
func TestProcessesTogether(t *testing.T) {
	const each = 60
	if base := os.Getenv("SNAPSHOT_TEST_BASE"); base != "" {
		s := store(t, folderIn(t, base), 1)
		seqs := []uint64{}
		for i := range each {
			r, err := s.Append(bytes.Repeat([]byte{byte(i)}, 10_000))
			if err != nil {
				t.Fatal(err)
			}
			seqs = append(seqs, r.Seq)
		}
		out, err := json.Marshal(seqs)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("\nSEQS%s\n", out)
		return
	}
	base := t.TempDir()
	s := store(t, folderIn(t, base), 1)
	appendText(t, s, strings.Repeat("\x00", 10_000))

	outputs := make([][]byte, 2)
	var wg sync.WaitGroup
	for i := range outputs {
		cmd := exec.Command(os.Args[0], "-test.run=^TestProcessesTogether$")
		cmd.Env = append(os.Environ(), "SNAPSHOT_TEST_BASE="+base)
		wg.Go(func() {
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
			outputs[i] = out
		})
	}
	finished := make(chan struct{})
	go func() { wg.Wait(); close(finished) }()
	var last uint64
	for done := false; !done; {
		select {
		case <-finished:
			done = true
		default:
		}
		r, payload, ok, err := s.Newest(1)
		if err != nil || !ok || len(payload) != 10_000 {
			t.Fatalf("Newest = %+v, %d bytes, %t, %v", r, len(payload), ok, err)
		}
		if bytes.Count(payload, payload[:1]) != len(payload) {
			t.Fatal("the payload is a mixture of two")
		}
		if r.Seq < last {
			t.Fatalf("went back from %d to %d", last, r.Seq)
		}
		last = r.Seq
	}
	given := map[uint64]bool{}
	for _, out := range outputs {
		_, line, _ := bytes.Cut(out, []byte("SEQS"))
		line, _, _ = bytes.Cut(line, []byte("\n"))
		var seqs []uint64
		if err := json.Unmarshal(line, &seqs); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		for _, seq := range seqs {
			if given[seq] {
				t.Errorf("sequence number %d was given twice", seq)
			}
			given[seq] = true
		}
	}
	if len(given) != 2*each || last != 2*each+1 {
		t.Errorf("%d numbers were given, the last is %d", len(given), last)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(Record{Seq: 1, Schema: 1, At: time.Unix(1, 2)}, []byte("payload")))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, payload, err := decode(data)
		if err != nil {
			if !errors.Is(err, errDamaged) {
				t.Fatalf("the error is %v", err)
			}
			return
		}
		if !bytes.Equal(encode(r, payload), data) {
			t.Fatal("what was decoded encodes to something else")
		}
	})
}

func BenchmarkAppend1MB(b *testing.B) {
	sb, err := sandbox.Open(sandbox.Options{App: "App", Base: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	s, err := Open(sb.Snapshots(), 1)
	if err != nil {
		b.Fatal(err)
	}
	payload := bytes.Repeat([]byte("x"), 1<<20)
	b.SetBytes(int64(len(payload)))
	for b.Loop() {
		if _, err := s.Append(payload); err != nil {
			b.Fatal(err)
		}
	}
}
