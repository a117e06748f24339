package instance_test

import (
	"errors"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/app/instance"
)

func newLock(t *testing.T, dir string, onShow func()) *instance.Lock {
	t.Helper()
	l, err := instance.New(dir, onShow, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Yield)
	return l
}

func TestOneHolder(t *testing.T) {
	dir := t.TempDir()
	shown := make(chan struct{}, 8)
	first := newLock(t, dir, func() { shown <- struct{}{} })
	second := newLock(t, dir, func() { t.Error("the process without the lock was asked to show itself") })
	if err := first.Take(); err != nil {
		t.Fatal(err)
	}
	if err := second.Take(); !errors.Is(err, instance.ErrHeld) {
		t.Errorf("a second holder: %v", err)
	}
	if err := instance.AskToShow(dir); err != nil {
		t.Fatal(err)
	}
	select {
	case <-shown:
	case <-time.After(10 * time.Second):
		t.Error("the holder was not asked to show itself")
	}
}

func TestPassingOn(t *testing.T) {
	dir := t.TempDir()
	shown := make(chan string, 8)
	first := newLock(t, dir, func() { shown <- "first" })
	second := newLock(t, dir, func() { shown <- "second" })
	if err := first.Take(); err != nil {
		t.Fatal(err)
	}
	took := make(chan error, 1)
	go func() { took <- second.TakeSoon() }()
	first.Yield()
	if err := <-took; err != nil {
		t.Fatal(err)
	}
	if err := first.Take(); !errors.Is(err, instance.ErrHeld) {
		t.Errorf("the first took it back from a living holder: %v", err)
	}
	if err := instance.AskToShow(dir); err != nil {
		t.Fatal(err)
	}
	if who := <-shown; who != "second" {
		t.Errorf("%s was asked to show itself", who)
	}
}
