package instance_test

import (
	"errors"
	"os"
	"testing"

	"github.com/tesseract-desktop/tesseract/app/instance"
)

// The tests hand the lock over between two Locks of this process; open files go from one to the other as the handover would pass them, as a
// copy of the same opening.

// passer keeps what was passed.
func passer(files map[string]*os.File) func(string, *os.File) error {
	return func(name string, f *os.File) error {
		passed, err := duplicate(f)
		if err != nil {
			return err
		}
		files[name] = passed
		return nil
	}
}

func TestPassingOn(t *testing.T) {
	dir := t.TempDir()
	shown := make(chan string, 8)
	first := newLock(t, dir, func() { shown <- "first" })
	second := newLock(t, dir, func() { shown <- "second" })
	third := newLock(t, dir, func() {})
	enter(t, first)
	files := map[string]*os.File{}
	first.Lend(passer(files))

	// A start in the middle waits for whoever ends up in charge.
	started := make(chan error, 1)
	if passes {
		go func() { started <- third.Enter(t.Context()) }()
	}
	if err := second.Adopt(files[instance.FileName]); err != nil {
		t.Fatal(err)
	}
	if !passes {
		go func() { started <- third.Enter(t.Context()) }()
	}
	if err := await(t, "an answer to the third", started); !errors.Is(err, instance.ErrHeld) {
		t.Errorf("a third process: %v", err)
	}
	if who := await(t, "a window", shown); who != "second" {
		t.Errorf("%s was asked to show itself", who)
	}

	first.Yield() // the guardian goes
	if err := third.Enter(t.Context()); !errors.Is(err, instance.ErrHeld) {
		t.Errorf("after the guardian went: %v", err)
	}
	second.Yield() // the user quits
	enter(t, third)
}

func TestSuccessorIsLost(t *testing.T) {
	dir := t.TempDir()
	shown := make(chan string, 8)
	first := newLock(t, dir, func() { shown <- "first" })
	third := newLock(t, dir, func() {})
	enter(t, first)
	files := map[string]*os.File{}
	first.Lend(passer(files))
	started := make(chan error, 1)
	if passes {
		go func() { started <- third.Enter(t.Context()) }()
	}
	if f := files[instance.FileName]; f != nil {
		f.Close() // as the end of its process does
	}
	if err := first.Adopt(nil); err != nil {
		t.Fatal(err)
	}
	if !passes {
		go func() { started <- third.Enter(t.Context()) }()
	}
	if err := await(t, "an answer to the third", started); !errors.Is(err, instance.ErrHeld) {
		t.Errorf("a third process: %v", err)
	}
	if who := await(t, "a window", shown); who != "first" {
		t.Errorf("%s was asked to show itself", who)
	}
}

// The user quits the successor and starts the app again, before the guardian has heard that it may go.
func TestSuccessorIsQuitAndAnotherStarts(t *testing.T) {
	dir := t.TempDir()
	first, second, third := newLock(t, dir, func() {}), newLock(t, dir, func() {}), newLock(t, dir, func() {})
	enter(t, first)
	files := map[string]*os.File{}
	first.Lend(passer(files))
	if err := second.Adopt(files[instance.FileName]); err != nil {
		t.Fatal(err)
	}
	second.Yield()
	enter(t, third)
	if err := first.Adopt(nil); !errors.Is(err, instance.ErrHeld) {
		t.Errorf("the guardian took the lock from a living holder: %v", err)
	}
}

func TestPassingFails(t *testing.T) {
	dir := t.TempDir()
	first, second := newLock(t, dir, func() {}), newLock(t, dir, func() {})
	enter(t, first)
	first.Lend(func(string, *os.File) error { return errors.New("the other side has gone") })
	if err := second.Adopt(nil); err != nil {
		t.Fatal(err)
	}
	second.Yield()
	if err := first.Adopt(nil); err != nil {
		t.Fatal(err)
	}
}

func TestAdoptRefusesAnotherFile(t *testing.T) {
	dir := t.TempDir()
	l := newLock(t, dir, func() {})
	enter(t, newLock(t, dir, func() {}))
	f, err := os.Create(dir + "/another")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Adopt(f); err == nil {
		t.Error("a file that is not the lock was taken for it")
	}
}
