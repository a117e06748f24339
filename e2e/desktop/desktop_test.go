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
	_, difference, err := w.Matches(ctx, before)
	if err != nil {
		t.Fatal(err)
	}
	if difference != (desktop.Difference{}) {
		t.Errorf("changed: %+v", difference)
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

func TestCompareCountsPixelsOutsideTheMask(t *testing.T) {
	a, b := image.NewRGBA(image.Rect(0, 0, 10, 10)), image.NewRGBA(image.Rect(0, 0, 10, 10))
	b.Pix[b.PixOffset(2, 3)] = desktop.Shade + 1
	b.Pix[b.PixOffset(9, 9)+1] = 255
	b.Pix[b.PixOffset(5, 5)+2] = desktop.Shade
	for _, c := range []struct {
		other *image.RGBA
		masks []image.Rectangle
		want  desktop.Difference
	}{
		{a, nil, desktop.Difference{}},
		{b, nil, desktop.Difference{Changed: 2, Where: image.Rect(2, 3, 10, 10), Shaded: 1}},
		{b, []image.Rectangle{image.Rect(8, 8, 10, 10)}, desktop.Difference{Changed: 1, Where: image.Rect(2, 3, 3, 4), Shaded: 1}},
		{image.NewRGBA(image.Rect(0, 0, 20, 10)), nil, desktop.Difference{Changed: 200, Where: image.Rect(0, 0, 20, 10)}},
	} {
		if got := desktop.Compare(a, c.other, c.masks...); got != c.want {
			t.Errorf("compare with masks %v: %+v, want %+v", c.masks, got, c.want)
		}
	}
}
