package sync

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tesseract-desktop/tesseract/vcm"
)

// testPlace is what every place must do. fresh makes an empty one; spoil
// replaces a file behind the place's back.
func testPlace(t *testing.T, fresh func(t *testing.T) Place, spoil func(t *testing.T, p Place, name string, data []byte)) {
	ctx := context.Background()
	a, b := []byte(`{"a":1}`), []byte(`{"b":22}`)
	const name = "metadata/1.x.json"

	t.Run("files", func(t *testing.T) {
		p := fresh(t)
		if _, err := p.Read(ctx, name, 100); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("read of nothing: %v", err)
		}
		f := Document{name, a}.file()
		if has, err := p.Has(ctx, f); has || err != nil {
			t.Errorf("has nothing: %v, %v", has, err)
		}
		if err := p.Put(ctx, f, content(a)); err != nil {
			t.Fatal(err)
		}
		if got, err := p.Read(ctx, name, int64(len(a))); err != nil || !bytes.Equal(got, a) {
			t.Errorf("got %q, %v", got, err)
		}
		if _, err := p.Read(ctx, name, int64(len(a))-1); err == nil {
			t.Error("the limit was exceeded")
		}
		if has, err := p.Has(ctx, f); !has || err != nil {
			t.Errorf("does not have it: %v", err)
		}
		if has, err := p.Has(ctx, Document{name, b}.file()); has || err != nil {
			t.Errorf("has another one: %v, %v", has, err)
		}
		spoil(t, p, name, []byte(`{"a":2}`)) // of the same length
		if has, err := p.Has(ctx, f); has || err != nil {
			t.Errorf("takes a damaged file for whole: %v, %v", has, err)
		}
		if err := p.Put(ctx, f, content(a)); err != nil {
			t.Fatal(err)
		}
		if has, err := p.Has(ctx, f); !has || err != nil {
			t.Errorf("was not repaired: %v", err)
		}
	})

	t.Run("interrupted", func(t *testing.T) {
		p := fresh(t)
		over, cancel := context.WithCancel(ctx)
		cancel()
		if err := p.Put(over, Document{name, a}.file(), content(a)); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if _, err := p.Read(ctx, name, 100); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("something is there: %v", err)
		}
	})

	t.Run("swap", func(t *testing.T) {
		p := fresh(t)
		const name = vcm.TimestampFile
		for _, step := range []struct {
			old, new []byte
			err      error
			want     []byte
		}{
			{a, b, ErrChanged, nil},
			{nil, a, nil, a},
			{nil, a, nil, a}, // again, after a crash
			{nil, b, ErrChanged, a},
			{b, []byte("{}"), ErrChanged, a},
			{a, b, nil, b},
		} {
			if err := p.Swap(ctx, name, step.old, step.new); !errors.Is(err, step.err) {
				t.Errorf("%q for %q: %v, want %v", step.new, step.old, err, step.err)
			}
			got, err := p.Read(ctx, name, 100)
			if err != nil && !errors.Is(err, fs.ErrNotExist) || !bytes.Equal(got, step.want) {
				t.Errorf("%q for %q: has %q, %v", step.new, step.old, got, err)
			}
		}
	})

	t.Run("swapped by many", func(t *testing.T) {
		p := fresh(t)
		var won sync.Map
		var all sync.WaitGroup
		for _, mine := range []string{"{}", "[]", `""`, "0"} {
			all.Go(func() {
				switch err := p.Swap(ctx, vcm.TimestampFile, nil, []byte(mine)); {
				case err == nil:
					won.Store(mine, true)
				case !errors.Is(err, ErrChanged):
					t.Error(err)
				}
			})
		}
		all.Wait()
		got, err := p.Read(ctx, vcm.TimestampFile, 100)
		if err != nil {
			t.Fatal(err)
		}
		won.Range(func(mine, _ any) bool {
			if mine != string(got) {
				t.Errorf("%s was told to have won, and %s is there", mine, got)
			}
			return true
		})
	})

	t.Run("feed", func(t *testing.T) { testBring(t, fresh, spoil) })
	t.Run("refused", func(t *testing.T) { testRefused(t, fresh, spoil) })
}

func testBring(t *testing.T, fresh func(*testing.T) Place, spoil func(*testing.T, Place, string, []byte)) {
	s, p := newSample(t, "ours"), fresh(t)
	s.publish("1.0.0")
	s.publish("1.1.0")

	dry := mustBring(t, s, p, Options{DryRun: true})
	if whole(t, p) != 0 || len(dry.Sent) == 0 {
		t.Fatalf("a dry run: %+v", dry)
	}
	var last Progress
	first := mustBring(t, s, p, Options{Progress: func(p Progress) { last = p }})
	if !slices.Equal(slices.Sorted(slices.Values(first.Sent)), slices.Sorted(slices.Values(dry.Sent))) || first.SentBytes != dry.SentBytes || first.Before != 0 || first.Present != 0 {
		t.Errorf("got %+v, and the dry run said %+v", first, dry)
	}
	if last.Files != last.Total || last.Done != last.Bytes || last.Total != len(first.Sent)-1 {
		t.Errorf("progress ended with %+v", last)
	}
	if again := mustBring(t, s, p, Options{}); len(again.Sent) != 0 || again.Present != last.Total || again.Before != first.Timestamp {
		t.Errorf("again: %+v", again)
	}
	s.publish("1.2.0")
	third := mustBring(t, s, p, Options{Parallel: 1})
	want := []string{
		"artifacts/", "metadata/3.notes-releases.json", "metadata/4.snapshot.json", "metadata/timestamp.json", "patches/",
	}
	slices.Sort(third.Sent)
	if !slices.EqualFunc(third.Sent, want, strings.HasPrefix) || third.Before != first.Timestamp {
		t.Errorf("a new release: %+v", third)
	}
	damaged := s.releases[0].Full.Path
	spoil(t, p, damaged, bytes.Repeat([]byte("x"), int(s.releases[0].Full.Length)))
	if repaired := mustBring(t, s, p, Options{}); !slices.Equal(repaired.Sent, []string{damaged}) {
		t.Errorf("repaired: %+v", repaired)
	}
	// A timestamp that nobody can read keeps nobody from replacing it.
	spoil(t, p, vcm.TimestampFile, []byte("<html>"))
	mustBring(t, s, p, Options{})
}

func testRefused(t *testing.T, fresh func(*testing.T) Place, spoil func(*testing.T, Place, string, []byte)) {
	refused := func(t *testing.T, s *sample, p Place, want error) {
		t.Helper()
		before, _ := p.Read(context.Background(), vcm.TimestampFile, maxDocument)
		if _, err := Bring(context.Background(), s.root, p, Options{}); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
		after, _ := p.Read(context.Background(), vcm.TimestampFile, maxDocument)
		if !bytes.Equal(before, after) {
			t.Error("the place was changed")
		}
	}
	copyOf := func(t *testing.T, s *sample) *sample {
		c := newSample(t, "ours")
		for len(c.releases) < len(s.releases) {
			c.publish(s.releases[len(c.releases)].Version.String())
		}
		return c
	}
	s, p := newSample(t, "ours"), fresh(t)
	s.publish("1.0.0")
	other := copyOf(t, s)
	mustBring(t, s, p, Options{})

	refused(t, newSample(t, "theirs"), p, ErrOtherFeed)
	older := newSample(t, "ours")
	refused(t, older, p, ErrNewer)
	// The same version of everything, with another content; and then a later one.
	other.document("targets", "targets", map[string]any{"spec": "other"})
	other.versions["snapshot"], other.versions["timestamp"] = 1, 1
	other.commit()
	refused(t, other, p, ErrForked)
	other.publish("1.1.0")
	refused(t, other, p, ErrForked)
	// A place with a timestamp and no root is not a feed of ours.
	stranger := fresh(t)
	spoil(t, stranger, vcm.TimestampFile, []byte("{}"))
	refused(t, s, stranger, ErrOtherFeed)

	// What is damaged here is not spread.
	s.publish("1.1.0")
	damaged := s.releases[1].Full
	s.file(damaged.Path, bytes.Repeat([]byte("x"), int(damaged.Length)))
	refused(t, s, p, ErrDamaged)
	if err := os.Remove(filepath.Join(s.dir, damaged.Path)); err != nil {
		t.Fatal(err)
	}
	refused(t, s, p, fs.ErrNotExist)
	s.blob(damaged.Path, 30_000)
	mustBring(t, s, p, Options{})
}

func TestDir(t *testing.T) {
	testPlace(t, func(t *testing.T) Place {
		p, err := NewDir(filepath.Join(t.TempDir(), "not", "yet"), newSample(t, "any").root)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}, func(t *testing.T, p Place, name string, data []byte) {
		path := filepath.Join(p.String(), name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	})
}

func TestDirInTheWay(t *testing.T) {
	s := newSample(t, "ours")
	if _, err := NewDir(s.dir, s.root); err == nil {
		t.Error("a feed is brought to itself")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewDir(file, s.root); err == nil {
		t.Error("a file is a folder")
	}
	p, err := NewDir(t.TempDir(), s.root)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(p.String(), "metadata", "1.targets.json"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Bring(context.Background(), s.root, p, Options{}); err == nil {
		t.Error("a folder took the place of a file, and nobody noticed")
	}
}
