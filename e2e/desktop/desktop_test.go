//go:build e2e && linux

package desktop_test

import (
	"image"
	"os"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/desktop"
)

// The driver itself: an image viewer is put away and brought back, and looks as before.
func TestWindowIsMinimisedAndBroughtBack(t *testing.T) {
	ctx := t.Context()
	folder, err := os.MkdirTemp("", "tess")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	processes := desktop.NewProcesses()
	t.Cleanup(func() {
		if err := processes.Close(); err != nil {
			t.Error(err)
		}
	})
	d, err := desktop.Start(ctx, desktop.Options{Processes: processes, Runtime: folder, Screen: "800x600"})
	if err != nil {
		t.Fatal(err)
	}

	viewer, err := processes.Start(d.Env(), nil, "display", "-immutable", "-size", "300x200", "gradient:red-blue")
	if err != nil {
		t.Fatal(err)
	}
	windows := func() []*desktop.Window {
		all, err := d.Windows(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	for start := time.Now(); len(windows()) == 0; {
		if time.Since(start) > 10*time.Second {
			t.Fatalf("the viewer shows no window: %s", viewer.Output())
		}
	}
	w := windows()[0]
	if err := w.Activate(ctx); err != nil {
		t.Fatal(err)
	}
	before, err := w.Settled(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Minimise(ctx); err != nil {
		t.Fatal(err)
	}
	if err := w.Activate(ctx); err != nil {
		t.Fatal(err)
	}
	_, changed, where, err := w.Matches(ctx, before)
	if err != nil {
		t.Fatal(err)
	}
	if changed != 0 {
		t.Errorf("%d pixels changed in %v", changed, where)
	}

	const text = "für 漢字\n"
	if err := d.SetClipboard(ctx, text); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Clipboard(ctx); err != nil || got != text {
		t.Errorf("clipboard: %q, %v, want %q", got, err, text)
	}
	if pids := processes.Running(); len(pids) < 4 {
		t.Errorf("running: %v, want at least screen, bus, window manager and viewer", pids)
	}
}

func TestDifferenceCountsPixelsOutsideTheMask(t *testing.T) {
	a, b := image.NewRGBA(image.Rect(0, 0, 10, 10)), image.NewRGBA(image.Rect(0, 0, 10, 10))
	b.Pix[b.PixOffset(2, 3)] = 1
	b.Pix[b.PixOffset(9, 9)] = 1
	if n, where := desktop.Difference(a, b); n != 2 || where != image.Rect(2, 3, 10, 10) {
		t.Errorf("%d pixels in %v, want 2 in (2,3)-(10,10)", n, where)
	}
	if n, _ := desktop.Difference(a, b, image.Rect(8, 8, 10, 10)); n != 1 {
		t.Errorf("%d pixels outside the mask, want 1", n)
	}
	if n, _ := desktop.Difference(a, image.NewRGBA(image.Rect(0, 0, 20, 10))); n != 200 {
		t.Errorf("%d pixels for unlike sizes, want 200", n)
	}
}
