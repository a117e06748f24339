//go:build linux

package scenario

import (
	"context"
	"errors"
	"fmt"
	"image"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/desktop"
	"github.com/tesseract-desktop/tesseract/e2e/release"
)

// Willing is a version that restarts for what it has staged when it gets the signal SIGUSR2, as if the person had clicked on "Restart now":
// a person who types has no hand free for it.
func Willing(version string) release.Variant {
	return release.Variant{Name: version + "-willing", Version: version, Edits: []release.Edit{
		{File: "app/run.go", Old: "	go s.engine.Run(ctx)\n", New: "	go s.engine.Run(ctx)\n	go s.restartOnSignal(ctx)\n"},
		{File: "app/willing.go", New: `package app

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func (s *shell) restartOnSignal(ctx context.Context) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR2)
	for {
		select {
		case <-signals:
			s.engine.Restart()
		case <-ctx.Done():
			return
		}
	}
}
`},
	}}
}

// ReplaceVisibly lets a staged version take the place of the app in front of the person, and returns the app that the window belongs to then.
func (a *App) ReplaceVisibly(ctx context.Context, version string) (*App, error) {
	return a.ReplaceWhile(ctx, version, func() error { return nil })
}

// ReplaceWhile does the same while the person does something.
func (a *App) ReplaceWhile(ctx context.Context, version string, work func() error) (*App, error) {
	s := a.stage
	if _, err := s.AwaitStatus(ctx, time.Minute, version+" to be ready", func(status Status) error {
		if status.State != "waiting" || status.Target != version {
			return errors.New("it is not")
		}
		return nil
	}); err != nil {
		return nil, s.explain(a, err)
	}
	worked := make(chan error, 1)
	go func() { worked <- work() }()
	if err := syscall.Kill(a.PID, syscall.SIGUSR2); err != nil {
		return nil, err
	}
	status, err := s.AwaitVersion(ctx, version)
	if err = errors.Join(err, <-worked); err != nil {
		return nil, s.explain(a, err)
	}
	next, err := a.Successor(ctx, status.PID)
	return next, s.explain(a, err)
}

var gated = regexp.MustCompile(`the window has changed hands" gated=(\S+)`)

// Gated is how long the keyboard was held back in each visible handover so far.
func (a *App) Gated() (times []time.Duration, err error) {
	for _, found := range gated.FindAllStringSubmatch(a.process.Output(), -1) {
		d, err := time.ParseDuration(found[1])
		if err != nil {
			return nil, err
		}
		times = append(times, d)
	}
	return times, nil
}

// Output is the end of what the app wrote.
func (a *App) Output() string { return a.process.Output() }

// Letters is a text of n letters in which a letter that is lost, doubled or out of order shows.
func Letters(n int) string {
	var text strings.Builder
	for i := range n {
		text.WriteByte("abcdefghijklmnopqrstuvwxyz"[(i*i/7+i)%26])
	}
	return text.String()
}

// TypeSteadily types letters, no more than that many per second.
func (s *Stage) TypeSteadily(ctx context.Context, text string, perSecond int) error {
	pause := fmt.Sprintf("%.4f", 1/float64(perSecond))
	var args []string
	for _, letter := range text {
		args = append(args, "key", "--delay", "0", string(letter), "sleep", pause)
	}
	return s.Desktop.Do(ctx, args...)
}

// Frames counts what a film shows of a window while it changed hands.
type Frames struct {
	Content int // frames whose content differs from the first
	Title   int // frames whose frame or title bar differs
	Taken   int
	Gap     time.Duration
	Worst   *image.RGBA
	Where   image.Rectangle // what of it differs
}

// Judge compares every frame of the film with its first one, in the window's content without what says that there was an update, and around it.
func Judge(film *desktop.Film, content image.Rectangle) (Frames, error) {
	if len(film.Frames) == 0 {
		return Frames{}, errors.New("nothing was filmed")
	}
	f := Frames{Taken: film.Taken, Gap: film.Gap}
	around := image.Rect(content.Min.X-8, content.Min.Y-40, content.Max.X+8, content.Max.Y+16)
	inside := content.Sub(around.Intersect(image.Rect(0, 0, 1<<20, 1<<20)).Min)
	first, whole := film.Picture(film.Frames[0], content), film.Picture(film.Frames[0], around)
	for _, frame := range film.Frames[1:] {
		picture := film.Picture(frame, content)
		if d := desktop.Compare(first, picture, UpdateMask(first)); d.Changed > 0 {
			f.Content += frame.Looks
			f.Worst, f.Where = picture, d.Where
			continue
		}
		if d := desktop.Compare(whole, film.Picture(frame, around), inside); d.Changed > 0 {
			f.Title += frame.Looks
		}
	}
	return f, nil
}
