//go:build linux

package main

import (
	"bytes"
	"fmt"
	"math"
)

// The picture, in its own units.
const (
	pictureWidth, pictureHeight = 760, 420
	plotLeft, plotRight         = 60, 560
	plotTop, plotBottom         = 30, 370
)

var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"}

// draw shows each network's goodput by the number of requests, as a share of its best, so that slow networks are seen beside fast ones. The
// dashed line at the right end of each curve is what the self-adjusting number reached.
func draw(sweeps []Sweep) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", pictureWidth, pictureHeight)
	fmt.Fprintf(&b, `<title>Goodput by the number of requests at once</title><rect width="%d" height="%d" fill="#fff"/>`+"\n", pictureWidth, pictureHeight)
	axes(&b, sweeps[0].Fixed)
	for i, s := range sweeps {
		best := s.Adjusting.Goodput
		for _, p := range s.Fixed {
			best = max(best, p.Goodput)
		}
		curve(&b, s, best, colours[i%len(colours)], plotTop+20+i*50)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func axes(b *bytes.Buffer, points []Point) {
	for share := 0; share <= 100; share += 20 {
		y := down(float64(share) / 100)
		fmt.Fprintf(b, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%d %%</text>`+"\n", plotLeft, y, plotRight, plotLeft-6, y+4, share)
	}
	for _, p := range points {
		x := along(p.Requests)
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%d</text>`+"\n", x, plotBottom+18, p.Requests)
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle">requests at once</text>`+"\n", (plotLeft+plotRight)/2, plotBottom+38)
	fmt.Fprintf(b, `<text x="%d" y="%d">goodput, of the best in the same network</text>`+"\n", plotLeft, plotTop-12)
}

func curve(b *bytes.Buffer, s Sweep, best float64, colour string, legend int) {
	fmt.Fprintf(b, `<polyline fill="none" stroke="%s" stroke-width="2" points="`, colour)
	for _, p := range s.Fixed {
		fmt.Fprintf(b, "%.1f,%.1f ", along(p.Requests), down(p.Goodput/best))
	}
	fmt.Fprint(b, `"/>`+"\n")
	for _, p := range s.Fixed {
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", along(p.Requests), down(p.Goodput/best), colour)
	}
	y := down(s.Adjusting.Goodput / best)
	fmt.Fprintf(b, `<path d="M%d %.1fH%d" stroke="%s" stroke-width="2" stroke-dasharray="4 3"/>`+"\n", plotRight-30, y, plotRight, colour)
	fmt.Fprintf(b, `<rect x="%d" y="%d" width="12" height="12" fill="%s"/><text x="%d" y="%d">%s loss</text>`+"\n", plotRight+20, legend, colour, plotRight+38, legend+11, s.Cell)
	fmt.Fprintf(b, `<text x="%d" y="%d" fill="#555">best %.1f, adjusting %.1f MB/s</text>`+"\n", plotRight+38, legend+27, best/1e6, s.Adjusting.Goodput/1e6)
}

// along is the place of a number of requests: each doubling takes the same room.
func along(requests int) float64 {
	return plotLeft + 20 + math.Log2(float64(requests))/5*(plotRight-plotLeft-60)
}

func down(share float64) float64 { return plotBottom - share*(plotBottom-plotTop) }
