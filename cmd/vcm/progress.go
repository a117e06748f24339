package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tesseract-desktop/tesseract/vcm/publish"
)

// bar is one line on a terminal that says what is going on; elsewhere it is
// silent.
type bar struct {
	w     io.Writer // nil: silent
	last  string
	shown time.Time
}

func (t *tool) progress() *bar {
	if !t.terminal || t.json {
		return &bar{}
	}
	return &bar{w: t.err}
}

func (b *bar) published(p publish.Progress) {
	text := string(p.Stage)
	if p.Detail != "" {
		text += " " + p.Detail
	}
	b.show(text, p.Done, p.Total)
}

// show replaces the line, at most ten times a second while its text stays.
func (b *bar) show(text string, done, total int64) {
	if b.w == nil || text == b.last && done < total && time.Since(b.shown) < 100*time.Millisecond {
		return
	}
	b.last, b.shown = text, time.Now()
	if total > 0 && done > 0 {
		text = fmt.Sprintf("%s %3d %%", text, done*100/total)
	}
	fmt.Fprintf(b.w, "\r\x1b[K%s", text)
}

func (b *bar) end() {
	if b.w != nil && b.last != "" {
		fmt.Fprint(b.w, "\r\x1b[K")
	}
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
