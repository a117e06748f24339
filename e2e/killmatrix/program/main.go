// Command program is a small app without a window that keeps itself current, for the kill matrix to torment.
//
// Parties: the driver, which publishes releases, starts this program, and kills it or lets its calls fail; and the program in up to
// three processes, as incumbent, as trial and as successor. What it is follows from a line behind its last byte, "program VERSION
// BEHAVIOUR", so that all versions are one build.
// It lives in one of two ways: as one executable, whose releases come from a feed through the engine, or as a folder, whose releases lie in
// another folder and go through the install alone.
//
// Guarantees: it ends by itself, soon after there is nothing more to do. Exit status 0 says that the update is done or was given up, for
// whatever reason; 1 that this release ended as its behaviour has it.
//
// A crash leaves what the updater leaves, and in the state folder the user's text, which every process writes anew and checks.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tesseract-desktop/tesseract/internal/durable"
	"github.com/tesseract-desktop/tesseract/updater"
	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/updater/fetch/system"
	"github.com/tesseract-desktop/tesseract/updater/handover"
	"github.com/tesseract-desktop/tesseract/updater/install"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// Behaviours of a release.
const (
	good  = "good"
	exits = "exits" // at once, whenever it is to do something but its trial
	dies  = "dies"  // as soon as it has taken over
	loops = "loops" // whenever it is started without an incumbent; with one its user quits before it is confirmed
)

// What a start may be asked for.
const (
	examine = "--examine" // say what the install is like
	onQuit  = "--on-quit" // leave what is ready to the next launch
	goBack  = "--go-back" // the user wants the version before
)

const (
	mark     = "\nprogram "
	app      = "program"
	textName = "text.json"

	probation = 20 * time.Millisecond
	// patience is how long a probation may last before the user quits.
	patience = 2 * time.Second
	limit    = 20 * time.Second
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "program:", err)
		os.Exit(1)
	}
}

func run() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	version, behaviour, err := identity(self)
	if err != nil {
		return err
	}
	if len(os.Args) == 2 {
		switch os.Args[1] {
		case "--version":
			fmt.Println(version)
			return nil
		case "--trial":
			return json.NewEncoder(os.Stdout).Encode(install.TrialReport{Version: version, OK: true})
		}
	}
	p := &program{executable: self, version: version, behaviour: behaviour, dir: os.Getenv("PROGRAM_DIR"), offers: os.Getenv("PROGRAM_OFFERS")}
	wish := ""
	if len(os.Args) == 2 {
		wish = os.Args[1]
	}
	switch wish {
	case examine:
		return p.examine()
	case "", onQuit, goBack:
		if p.offers != "" {
			return p.keepFolderCurrent(wish)
		}
		return p.keepCurrent(wish)
	}
	return fmt.Errorf("there is no %s", wish)
}

// errBad ends a release that is no good.
var errBad = errors.New("that is what this release does")

// identity reads the line behind the executable.
func identity(path string) (version, behaviour string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", "", err
	}
	end := make([]byte, 64)
	if _, err := f.ReadAt(end, info.Size()-int64(len(end))); err != nil {
		return "", "", err
	}
	_, line, _ := bytes.Cut(end, []byte(mark))
	version, behaviour, ok := strings.Cut(string(line), " ")
	if !ok {
		return "", "", errors.New("this executable does not say which version it is")
	}
	return version, behaviour, nil
}

// program is one process.
type program struct {
	executable, version, behaviour string
	dir                            string // of everything but the executable
	offers                         string // where releases of a folder lie; "": the program is one executable

	engine    *updater.Engine
	successor *handover.Successor
	wish      string
	launching atomic.Bool
	cancel    context.CancelFunc
	asked     sync.Once // to go back
	left      sync.Once
}

func (p *program) options() install.Options {
	o := install.Options{Target: p.executable, Dir: filepath.Join(p.dir, "state"), Log: p.log()}
	if p.offers != "" {
		o.Target, o.Program = filepath.Dir(filepath.Dir(p.executable)), inFolder
	}
	return o
}

func (p *program) log() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, nil)).With("version", p.version, "pid", os.Getpid())
}

// keepCurrent is the app's life.
func (p *program) keepCurrent(wish string) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	p.cancel, p.wish = cancel, wish
	if handover.Invited() {
		if p.behaviour == exits {
			return errBad
		}
		var err error
		if p.successor, err = handover.Join(ctx, p.version, os.Stdin); err != nil {
			return err
		}
	}
	if err := p.assemble(); err != nil {
		return err
	}
	if p.successor == nil {
		if ended, err := p.launch(ctx); ended || err != nil {
			return err
		}
	}
	restored := updater.Restored{Total: 1, Missing: []string{"text"}}
	if err := p.restore(); err == nil {
		restored = updater.Restored{Restored: 1, Total: 1}
	}
	p.engine.Ready(restored)
	if p.behaviour == dies && p.successor != nil {
		if _, err := p.successor.Await(ctx); err != nil {
			return err
		}
		return errors.Join(p.successor.Alive(), errBad)
	}
	p.engine.SetVisible(false)
	p.engine.Run(ctx)
	return nil
}

// launch is a start without an incumbent, as far as the engine has a say in who runs. The user then writes the text.
func (p *program) launch(ctx context.Context) (ended bool, err error) {
	p.launching.Store(true)
	launched := p.engine.Launch(ctx, nil)
	p.launching.Store(false)
	switch {
	case launched.Execute != "":
		return true, execute(launched.Execute)
	case launched.Over:
		return true, nil
	case p.behaviour != good:
		return true, errBad
	}
	if err := p.capture(ctx); err != nil {
		p.log().Error("the text is not written", "why", err)
	}
	return false, nil
}

func execute(program string) error {
	return syscall.Exec(program, append([]string{program}, os.Args[1:]...), os.Environ())
}

func (p *program) assemble() error {
	version, err := release.ParseVersion(p.version)
	if err != nil {
		return err
	}
	root, err := os.ReadFile(os.Getenv("PROGRAM_ROOT"))
	if err != nil {
		return err
	}
	p.engine, err = updater.New(updater.Options{
		App: app, Version: version,
		Feed:       feed.Options{URL: os.Getenv("PROGRAM_FEED"), Root: root, Dir: filepath.Join(p.dir, "state", "feed"), App: app, Log: p.log()},
		Install:    p.options(),
		RuntimeDir: filepath.Join(p.dir, "run"),
		Settings: func() updater.Settings {
			s := updater.Settings{Channel: release.Stable, Automatic: updater.All, CheckEvery: time.Hour, Probation: probation, Start: updater.StartHidden}
			if p.wish == onQuit {
				s.Start = updater.StartQuit
			}
			return s
		},
		System:    func(_ context.Context, changed func(system.State)) { changed(system.State{}) },
		Successor: p.successor,
		OnStatus:  p.onStatus,
		Log:       p.log(),
		Host: updater.Host{
			Capture:   p.capture,
			Command:   p.restart,
			Window:    func() json.RawMessage { return nil },
			YieldLock: func(func(string, *os.File) error) {},
			TakeLock:  func() error { return nil },
			TakeOver:  func(context.Context, json.RawMessage) error { return nil },
			Retire:    func() {},
			TakeBack:  func() {},
			Quit:      p.cancel,
		},
	})
	return err
}

func (p *program) restart() *exec.Cmd {
	cmd := exec.Command(p.executable)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd
}

// onStatus ends the program when nothing more will come of this start, as a user would who has seen enough.
func (p *program) onStatus(s updater.Status) {
	back := p.wish == goBack && s.Back != nil
	if back {
		p.asked.Do(func() { go p.engine.GoBack() })
	}
	switch {
	case p.launching.Load():
	case s.State == updater.Probation && p.behaviour == loops, s.State == updater.Waiting && p.wish == onQuit:
		go p.leave()
	case s.State == updater.Probation:
		time.AfterFunc(patience, p.leave)
	case s.State == updater.Current && !back, s.State == updater.Refused, s.State == updater.RolledBack, s.State == updater.Aborted,
		s.State == updater.Recalled, s.State == updater.Idle && s.Reason != nil:
		go p.leave()
	}
}

func (p *program) leave() {
	p.left.Do(func() {
		p.engine.Leaving()
		p.cancel()
	})
}

// text is the user's.
type text struct {
	Text string `json:"text"`
	By   string `json:"by"`
}

var whole = strings.Repeat("Not one word of this may be lost. ", 100)

func (p *program) capture(context.Context) error {
	folder, err := os.OpenRoot(filepath.Join(p.dir, "state"))
	if err != nil {
		return err
	}
	defer folder.Close()
	b, err := json.Marshal(text{whole, p.version})
	if err != nil {
		return err
	}
	return durable.WriteFile(folder, textName, b, 0o600)
}

// restore reads the text as it was left. Before the first start there is none.
func (p *program) restore() error {
	b, err := os.ReadFile(filepath.Join(p.dir, "state", textName))
	if errors.Is(err, os.ErrNotExist) && p.successor == nil && os.Getenv(succeeds) == "" {
		return nil
	}
	if err != nil {
		return err
	}
	var t text
	if err := json.Unmarshal(b, &t); err != nil {
		return err
	}
	if t.Text != whole {
		return errors.New("the text is not whole")
	}
	return nil
}
