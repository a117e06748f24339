//go:build linux

package desktop

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// A Film is what the screen showed over a time, sixty times a second. It is read from the memory that Xvfb draws in, so that filming asks
// nothing of the X server.
type Film struct {
	Frames []Frame       // of those that were alike, one after the other, the first
	Taken  int           // how often the screen was looked at
	Gap    time.Duration // the longest time between two looks
	size   image.Point
	line   int
}

// A Frame is what the screen showed from a moment on.
type Frame struct {
	At     time.Time
	Looks  int // how often it was seen in a row
	pixels []byte
}

const frameEvery = time.Second / 60

// Film films the screen until ctx ends.
func (d *Desktop) Film(ctx context.Context) (*Film, error) {
	screen, err := openScreen(filepath.Join(d.memory, "Xvfb_screen0"))
	if err != nil {
		return nil, fmt.Errorf("film the screen: %w", err)
	}
	defer screen.close()
	f := &Film{size: screen.size, line: screen.line}
	look := time.NewTicker(frameEvery)
	defer look.Stop()
	for last := (time.Time{}); ; {
		at := time.Now()
		if f.Taken > 0 {
			f.Gap = max(f.Gap, at.Sub(last))
		}
		last = at
		f.Taken++
		if n := len(f.Frames); n > 0 && bytes.Equal(f.Frames[n-1].pixels, screen.pixels) {
			f.Frames[n-1].Looks++
		} else {
			f.Frames = append(f.Frames, Frame{At: at, Looks: 1, pixels: bytes.Clone(screen.pixels)})
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return f, nil
		}
	}
}

// Picture returns what a frame shows of a part of the screen.
func (f *Film) Picture(frame Frame, part image.Rectangle) *image.RGBA {
	part = part.Intersect(image.Rectangle{Max: f.size})
	p := image.NewRGBA(image.Rect(0, 0, part.Dx(), part.Dy()))
	for y := range part.Dy() {
		from := frame.pixels[(part.Min.Y+y)*f.line+part.Min.X*4:]
		to := p.Pix[y*p.Stride:]
		for x := range part.Dx() {
			to[x*4], to[x*4+1], to[x*4+2], to[x*4+3] = from[x*4+2], from[x*4+1], from[x*4], 255
		}
	}
	return p
}

type screenMemory struct {
	whole, pixels []byte
	size          image.Point
	line          int
}

// openScreen maps the file in which Xvfb keeps its screen: an XWD header of big-endian numbers, a colour map, the pixels.
func openScreen(path string) (*screenMemory, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	whole, err := syscall.Mmap(int(file.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	number := func(i int) int { return int(binary.BigEndian.Uint32(whole[i*4:])) }
	const (
		headerSize, width, height, bitsPerPixel, bytesPerLine, colours = 0, 4, 5, 11, 12, 19
		colourSize                                                     = 12
	)
	s := &screenMemory{whole: whole, size: image.Pt(number(width), number(height)), line: number(bytesPerLine)}
	start := number(headerSize) + number(colours)*colourSize
	end := start + s.line*s.size.Y
	if number(bitsPerPixel) != 32 || end > len(whole) {
		s.close()
		return nil, errors.New("its memory is of another form than expected")
	}
	s.pixels = whole[start:end]
	return s, nil
}

func (s *screenMemory) close() { _ = syscall.Munmap(s.whole) }
