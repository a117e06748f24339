// Command program is a small app without a window that keeps itself current, for the kill matrix to torment.
//
// Parties: the driver, which publishes releases, starts this program, and kills it or lets its calls fail; and the program in up to
// three processes, as incumbent, as trial and as successor. What it is follows from a line behind its last byte, "program VERSION
// BEHAVIOUR", so that all versions are one build.
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

// Behaviours of a release besides "good".
const (
	exits = "exits" // at once, whenever it is to do something but its trial
	dies  = "dies"  // as soon as it has taken over
	loops = "loops" // whenever it is started without an incumbent; with one its user quits before it is confirmed
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
	p := &program{target: self, version: version, behaviour: behaviour, dir: os.Getenv("PROGRAM_DIR")}
	if len(os.Args) == 2 {
		return p.command(os.Args[1])
	}
	return p.keepCurrent()
}

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
	target, version, behaviour string
	dir                        string // of everything but the executable

	engine    *updater.Engine
	successor *handover.Successor
	cancel    context.CancelFunc
	once      sync.Once
}

func (p *program) options() install.Options {
	return install.Options{Target: p.target, Dir: filepath.Join(p.dir, "state"), Log: p.log()}
}

func (p *program) log() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, nil)).With("version", p.version, "pid", os.Getpid())
}

// keepCurrent is the app's life.
func (p *program) keepCurrent() error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	p.cancel = cancel
	var err error
	if handover.Invited() {
		if p.behaviour == exits {
			return errors.New("that is what this release does")
		}
		if p.successor, err = handover.Join(ctx, p.version, os.Stdin); err != nil {
			return err
		}
	} else if err := p.boot(); err != nil {
		return err
	}
	if err := p.assemble(); err != nil {
		return err
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
		return errors.Join(p.successor.Alive(), errors.New("that is what this release does"))
	}
	p.engine.SetVisible(false)
	p.engine.Run(ctx)
	return nil
}

// boot lets the boot counter decide who runs.
func (p *program) boot() error {
	inst, err := install.Open(p.options())
	if err != nil {
		return err
	}
	defer inst.Close()
	boot, err := inst.Boot(p.version)
	if err != nil {
		p.log().Error("this start is not counted", "why", err)
	}
	if boot.RolledBack {
		return syscall.Exec(boot.Program, append([]string{boot.Program}, os.Args[1:]...), os.Environ())
	}
	if p.behaviour != "good" {
		return errors.New("that is what this release does")
	}
	return nil
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
			return updater.Settings{Channel: release.Stable, Automatic: updater.All, CheckEvery: time.Hour, Probation: probation}
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
	cmd := exec.Command(p.target)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd
}

// onStatus ends the program when nothing more will come of this start, as a user would who has seen enough.
func (p *program) onStatus(s updater.Status) {
	switch {
	case s.State == updater.Probation && p.behaviour == loops:
		go p.leave()
	case s.State == updater.Probation:
		time.AfterFunc(patience, p.leave)
	case s.State == updater.Current, s.State == updater.Refused, s.State == updater.RolledBack, s.State == updater.Aborted,
		s.State == updater.Recalled, s.State == updater.Idle && s.Reason != nil:
		go p.leave()
	}
}

func (p *program) leave() {
	p.once.Do(func() {
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
	if errors.Is(err, os.ErrNotExist) && p.successor == nil {
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
