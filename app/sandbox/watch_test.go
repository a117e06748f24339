package sandbox

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func watch(t *testing.T, f *Folder, o WatchOptions) <-chan struct{} {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	changed := make(chan struct{}, 100)
	done := f.Watch(ctx, o, func() { changed <- struct{}{} })
	t.Cleanup(func() { cancel(); <-done })
	return changed
}

func wait(t *testing.T, changed <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-changed:
	case <-time.After(20 * time.Second):
		t.Fatalf("no change was reported after: %s", what)
	}
}

func TestWatchSeesDeepChanges(t *testing.T) {
	f := open(t).Documents()
	changed := watch(t, f, WatchOptions{Settle: time.Millisecond, Poll: time.Hour})
	for _, name := range []string{"a.md", "new/b.md", "new/newer/c.md", "new/newer/d.md"} {
		if err := f.WriteFile(name, []byte(name)); err != nil {
			t.Fatal(err)
		}
		wait(t, changed, name)
		// One write makes several notifications; only that of a following write may be awaited next.
		drain(changed)
	}
	if err := f.RemoveAll("new"); err != nil {
		t.Fatal(err)
	}
	wait(t, changed, "removal")
}

// drain waits until nothing is reported for a while that is long against Settle.
func drain(changed <-chan struct{}) {
	for {
		select {
		case <-changed:
		case <-time.After(50 * time.Millisecond):
			return
		}
	}
}

func TestWatchIgnoresHiddenNames(t *testing.T) {
	f := open(t).Documents()
	changed := watch(t, f, WatchOptions{Settle: time.Millisecond, Poll: time.Hour})
	if err := f.WriteFile(".hidden", nil); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteFile(".trash/x", nil); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
		t.Error("a hidden file was reported")
	case <-time.After(100 * time.Millisecond):
	}
}

func TestWatchOneFileSurvivesRemovalOfItsFolder(t *testing.T) {
	f := open(t).Preferences()
	changed := watch(t, f, WatchOptions{Name: "p.json", Settle: time.Millisecond, Poll: 10 * time.Millisecond})
	write := func(text string) {
		t.Helper()
		if err := f.WriteFile("p.json", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	write("1")
	wait(t, changed, "first write")
	if err := os.Remove(filepath.Join(f.Path(), "p.json")); err != nil {
		t.Fatal(err)
	}
	drain(changed)
	write("22")
	wait(t, changed, "remove and create")
	drain(changed)
	if err := os.RemoveAll(f.Path()); err != nil {
		t.Fatal(err)
	}
	wait(t, changed, "removal of the folder")
	drain(changed)
	write("333")
	wait(t, changed, "folder made again")
	drain(changed)
	write("4444")
	wait(t, changed, "write after all that")
}
