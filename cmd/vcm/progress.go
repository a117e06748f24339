package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/vcm/publish"
)

// bar is one line on a terminal that says what is going on and, where nobody
// can count that, for how long; elsewhere it is silent. It may be told things
// by several goroutines, and by none once it has ended.
type bar struct {
	mu    sync.Mutex
	w     io.Writer // nil: silent, or ended
	text  string
	part  string    // how much of it is done
	since time.Time // when text began
	shown time.Time
	ended chan struct{}
}

func (t *tool) progress() *bar {
	if !t.terminal || t.json {
		return &bar{}
	}
	b := &bar{w: t.err, ended: make(chan struct{})}
	go b.tick()
	return b
}

// tick keeps the line alive while nothing is told.
func (b *bar) tick() {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		select {
		case <-b.ended:
			return
		case <-every.C:
			b.mu.Lock()
			if b.text != "" && time.Since(b.shown) >= time.Second {
				b.draw()
			}
			b.mu.Unlock()
		}
	}
}

func (b *bar) published(p publish.Progress) {
	text := string(p.Stage)
	switch {
	case p.Stage == publish.Patching:
		text = p.Detail // says it all
	case p.Detail != "":
		text += " " + p.Detail
	}
	b.show(text, p.Done, p.Total)
}

func (b *bar) chosen(p delta.Progress) { b.show(step(p), p.Done, p.Total) }

func step(p delta.Progress) string {
	if p.Codec == delta.Full {
		return string(p.Stage) + " full file"
	}
	return string(p.Stage) + " " + p.Codec + " patch"
}

// show replaces the line, at most ten times a second while its text stays.
func (b *bar) show(text string, done, total int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.w == nil || text == b.text && done < total && time.Since(b.shown) < 100*time.Millisecond {
		return
	}
	if text != b.text {
		b.text, b.since = text, time.Now()
	}
	b.part = ""
	if total > 0 && done > 0 {
		b.part = fmt.Sprintf(" %3d %%", done*100/total)
	}
	b.draw()
}

func (b *bar) draw() {
	if b.w == nil {
		return
	}
	b.shown = time.Now()
	line := b.text + b.part
	if took := b.shown.Sub(b.since); took >= 2*time.Second {
		line += fmt.Sprintf("  %d s", int(took.Seconds()))
	}
	fmt.Fprintf(b.w, "\r\x1b[K%s", line)
}

func (b *bar) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.w == nil {
		return
	}
	if b.text != "" {
		fmt.Fprint(b.w, "\r\x1b[K")
	}
	b.w = nil
	close(b.ended)
}

// size writes a number of bytes for people, in a column.
func size(n int64) string {
	units := []string{"B", "kB", "MB", "GB"}
	v, i := float64(n), 0
	for v >= 1000 && i < len(units)-1 {
		v, i = v/1000, i+1
	}
	text := fmt.Sprintf("%.1f", v)
	if i == 0 {
		text = fmt.Sprint(n)
	}
	return fmt.Sprintf("%6s %-2s", text, units[i])
}

func share(part, whole int64) string {
	return strings.TrimSpace(fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole)))
}
