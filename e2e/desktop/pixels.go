//go:build linux

package desktop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/await"
)

// Screenshot is what the window's content looks like, without the window manager's frame.
func (w *Window) Screenshot(ctx context.Context) (*image.RGBA, error) {
	return w.d.screenshot(ctx, w.ID)
}

// Screenshot is the whole screen.
func (d *Desktop) Screenshot(ctx context.Context) (*image.RGBA, error) {
	return d.screenshot(ctx, "root")
}

func (d *Desktop) screenshot(ctx context.Context, window string) (*image.RGBA, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	out, err := Run(ctx, d.env, nil, "import", "-silent", "-window", window, "-depth", "8", "png:-")
	if err != nil {
		return nil, err
	}
	decoded, err := png.Decode(bytes.NewReader(out))
	if err != nil {
		return nil, fmt.Errorf("read the screenshot: %w", err)
	}
	picture := image.NewRGBA(image.Rect(0, 0, decoded.Bounds().Dx(), decoded.Bounds().Dy()))
	draw.Draw(picture, picture.Bounds(), decoded, decoded.Bounds().Min, draw.Src)
	return picture, nil
}

// Shade is how far apart, of 255 levels, the colours of a pixel may be in two paintings of the same
// thing: WebKit draws the edge of a curve a little differently when it paints all of a page and when
// it paints a part of it.
const Shade = 4

// A Difference between two pictures.
type Difference struct {
	Changed int             // pixels with another colour
	Where   image.Rectangle // the smallest rectangle that holds those
	Shaded  int             // pixels whose colour is no more than a shade away
}

// Compare compares two pictures outside the masks, each of which is a rectangle in them. Pictures of
// unlike size differ in every pixel of the larger one.
func Compare(a, b *image.RGBA, masks ...image.Rectangle) (d Difference) {
	if a.Bounds() != b.Bounds() {
		all := a.Bounds().Union(b.Bounds())
		return Difference{Changed: all.Dx() * all.Dy(), Where: all}
	}
	for y := a.Bounds().Min.Y; y < a.Bounds().Max.Y; y++ {
		for x := a.Bounds().Min.X; x < a.Bounds().Max.X; x++ {
			apart := apart(a.RGBAAt(x, y), b.RGBAAt(x, y))
			switch {
			case apart == 0 || masked(image.Pt(x, y), masks):
			case apart <= Shade:
				d.Shaded++
			default:
				d.Changed++
				d.Where = d.Where.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return d
}

// apart is the largest difference of one channel.
func apart(a, b color.RGBA) (n int) {
	for _, pair := range [][2]uint8{{a.R, b.R}, {a.G, b.G}, {a.B, b.B}, {a.A, b.A}} {
		n = max(n, int(pair[0])-int(pair[1]), int(pair[1])-int(pair[0]))
	}
	return n
}

func masked(p image.Point, masks []image.Rectangle) bool {
	for _, m := range masks {
		if p.In(m) {
			return true
		}
	}
	return false
}

// Blank tells a picture of one colour: nothing was painted.
func Blank(p *image.RGBA) bool {
	first := p.RGBAAt(0, 0)
	for y := p.Bounds().Min.Y; y < p.Bounds().Max.Y; y++ {
		for x := p.Bounds().Min.X; x < p.Bounds().Max.X; x++ {
			if p.RGBAAt(x, y) != first {
				return false
			}
		}
	}
	return true
}

// Settled takes screenshots until the window has looked the same for a while, but for a blinking
// caret: until a picture comes up that was there before, at least one blink earlier.
func (w *Window) Settled(ctx context.Context) (picture *image.RGBA, err error) {
	type seen struct {
		picture *image.RGBA
		at      time.Time
	}
	var before []seen
	err = await.Until(ctx, 20*time.Second, "the window to settle", func() error {
		now, err := w.Screenshot(ctx)
		if err != nil {
			return err
		}
		if Blank(now) {
			before = nil
			return fmt.Errorf("it is blank")
		}
		for _, s := range before {
			if Compare(s.picture, now) == (Difference{}) && time.Since(s.at) > blink {
				picture = now
				return nil
			}
		}
		before = append(before, seen{now, time.Now()})
		return fmt.Errorf("its content keeps changing")
	})
	return picture, err
}

// blink is how long a caret takes to go and come back.
const blink = 1300 * time.Millisecond

// Matches takes screenshots over two blinks of the caret and returns the one that differs least
// from the picture, with its difference.
func (w *Window) Matches(ctx context.Context, want *image.RGBA, masks ...image.Rectangle) (best *image.RGBA, least Difference, err error) {
	for end := time.Now().Add(2 * blink); ; {
		now, err := w.Screenshot(ctx)
		if err != nil {
			return nil, least, errors.Join(err, w.state(ctx, false), w.focused(ctx))
		}
		d := Compare(want, now, masks...)
		if best == nil || d.Changed < least.Changed || d.Changed == least.Changed && d.Shaded < least.Shaded {
			best, least = now, d
		}
		if d.Changed+d.Shaded == 0 || time.Now().After(end) {
			return best, least, nil
		}
	}
}

// Save writes a picture as a PNG file.
func Save(path string, picture image.Image) error {
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, picture); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, encoded.Bytes(), 0o644)
}

// Highlight returns a copy of b in which every pixel that differs from a outside the masks is red.
func Highlight(a, b *image.RGBA, masks ...image.Rectangle) *image.RGBA {
	marked := image.NewRGBA(b.Bounds())
	draw.Draw(marked, marked.Bounds(), b, b.Bounds().Min, draw.Src)
	for y := b.Bounds().Min.Y; y < b.Bounds().Max.Y; y++ {
		for x := b.Bounds().Min.X; x < b.Bounds().Max.X; x++ {
			if a.RGBAAt(x, y) != b.RGBAAt(x, y) && !masked(image.Pt(x, y), masks) {
				marked.SetRGBA(x, y, color.RGBA{255, 0, 0, 255})
			}
		}
	}
	return marked
}
