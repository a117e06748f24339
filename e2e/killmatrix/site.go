//go:build linux && amd64

package killmatrix

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/killmatrix/calls"
)

const (
	// startWithin is far longer than any start takes: what takes longer is stuck.
	startWithin = 45 * time.Second
	// startsUntilGood is how many starts it may take until the next good release is there.
	startsUntilGood = 5
)

// site is one place where the program is installed.
type site struct {
	*world
	dir    string // bin with the program, and data with everything else
	log    string // what the programs said
	folder bool   // the program is a folder
}

func (w *world) site(name string, s scenario) *site {
	return &site{world: w, dir: filepath.Join(w.dir, "sites", name), log: filepath.Join(w.dir, "sites", name+".log"), folder: s.folder}
}

// target is what updates replace.
func (s *site) target() string { return filepath.Join(s.dir, "bin", "program") }

// program is the executable.
func (s *site) program() string {
	if s.folder {
		return filepath.Join(s.target(), inFolder)
	}
	return s.target()
}

// clear makes the site as new.
func (s *site) clear() error {
	if err := os.RemoveAll(s.dir); err != nil {
		return err
	}
	for _, dir := range []string{"bin", "data/run"} {
		if err := os.MkdirAll(filepath.Join(s.dir, dir), 0o755); err != nil {
			return err
		}
	}
	return os.WriteFile(s.log, nil, 0o600)
}

// fresh installs the first version.
func (s *site) fresh() error {
	if err := s.clear(); err != nil {
		return err
	}
	path, err := s.version(first, "good", s.folder)
	if err != nil {
		return err
	}
	return s.copyAll(path, s.target())
}

// save keeps a copy of the site, and restore makes the site what it was then.
func (s *site) save(saved string) error {
	if err := os.MkdirAll(filepath.Dir(saved), 0o755); err != nil {
		return err
	}
	return s.copyAll(s.dir, saved)
}

func (s *site) restore(saved string) error {
	if err := s.clear(); err != nil {
		return err
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return err
	}
	return s.copyAll(saved, s.dir)
}

func (s *site) env(feed string) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + os.TempDir(),
		"PROGRAM_DIR=" + filepath.Join(s.dir, "data"),
		"PROGRAM_ROOT=" + filepath.Join(s.world.dir, "feeds", feed, "trust", "root.json"),
		"PROGRAM_FEED=http://" + s.address + "/" + feed + "/feed/",
	}
	if s.folder {
		env = append(env, "PROGRAM_OFFERS="+filepath.Join(s.world.dir, "feeds", feed))
	}
	return env
}

// start runs the program until it, and whatever it has started, has ended. How it ended does not matter.
func (s *site) start(feed string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.program(), args...)
	cmd.Env = s.env(feed)
	out, err := s.run(cmd)
	s.note(out)
	var exit *exec.ExitError
	if ctx.Err() != nil || err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("start the program: %w", errors.Join(ctx.Err(), err))
	}
	return nil
}

// trace is start with somebody asked before each call.
func (s *site) trace(feed string, start int, args []string, o calls.Options) error {
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	o.Launcher, o.Args, o.Env, o.Dir = s.launcher, append([]string{s.program()}, args...), s.env(feed), s.dir
	o.Output, o.Below = log, s.dir
	o.Role = func(pid int, args, env []string) string {
		return fmt.Sprintf("start %d, %s", start, role(pid, args, env))
	}
	return calls.Run(o, startWithin)
}

// role names a process by what it executes.
func role(pid int, args, env []string) string {
	version := versionOf(fmt.Sprintf("/proc/%d/exe", pid))
	switch {
	case slices.Contains(args, "--trial"):
		return version + " on trial"
	case slices.ContainsFunc(env, func(v string) bool {
		return strings.HasPrefix(v, "HANDOVER_SOCKET=") || strings.HasPrefix(v, "PROGRAM_SUCCEEDS=")
	}):
		return version + " as successor"
	}
	return version
}

func versionOf(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	end := make([]byte, 64)
	if _, err := f.ReadAt(end, info.Size()-int64(len(end))); err != nil {
		return ""
	}
	_, line, _ := bytes.Cut(end, []byte(mark))
	version, _, _ := strings.Cut(string(line), " ")
	return version
}

func (s *site) note(out []byte) {
	f, err := os.OpenFile(s.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	_, _ = f.Write(out)
}

// sound checks what a fault has left: a version that starts, and a whole text.
func (s *site) sound() error {
	version, err := s.which(s.target())
	if err != nil {
		return err
	}
	if version != first && version != second {
		return fmt.Errorf("the program is version %s", version)
	}
	out, err := s.run(exec.Command(s.program(), "--version"))
	if err != nil || strings.TrimSpace(string(out)) != version {
		return fmt.Errorf("version %s does not start: %w, %q", version, err, out)
	}
	b, err := os.ReadFile(filepath.Join(s.dir, "data", "state", "text.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var t struct{ Text string }
	if err != nil || json.Unmarshal(b, &t) != nil || len(t.Text) < 1000 {
		return fmt.Errorf("the text is not whole: %w, %.60q", err, b)
	}
	return nil
}

// recovers checks that the next good release arrives, and that nothing useless is left then.
func (s *site) recovers(feed string) error {
	for range startsUntilGood {
		if err := s.age(); err != nil {
			return err
		}
		if err := s.start(feed + "-next"); err != nil {
			return err
		}
		version, err := s.which(s.target())
		if err != nil {
			return err
		}
		if version != third {
			continue
		}
		settled, err := s.examine(feed + "-next")
		if err != nil {
			return err
		}
		if settled {
			return s.clean()
		}
	}
	return fmt.Errorf("the next good release was not confirmed after %d starts", startsUntilGood)
}

// age lets a day go by for unfinished files. Some are only removed once they are too old to be anybody's.
func (s *site) age() error {
	return filepath.WalkDir(s.dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasPrefix(d.Name(), ".durable-") {
			return err
		}
		yesterday := time.Now().Add(-24 * time.Hour)
		return os.Chtimes(p, yesterday, yesterday)
	})
}

// examine asks the program what it thinks of its install, and whether all is done.
func (s *site) examine(feed string) (settled bool, err error) {
	cmd := exec.Command(s.program(), "--examine")
	cmd.Env = s.env(feed)
	out, err := s.run(cmd)
	if err != nil {
		return false, fmt.Errorf("examine the install: %w: %s", err, out)
	}
	out = bytes.TrimSpace(out)
	out = out[bytes.LastIndexByte(out, '\n')+1:] // behind what it logs
	var r struct {
		Recovered struct {
			Outcome   string
			Staged    any
			Probation bool
			CanGoBack bool
			Removed   []string
		}
		Entries int
		Text    string
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return false, err
	}
	if r.Text != "" || r.Entries == 0 {
		return false, fmt.Errorf("the state is not whole: %s", out)
	}
	return r.Recovered.Outcome == "" && r.Recovered.Staged == nil && !r.Recovered.Probation && r.Recovered.CanGoBack && len(r.Recovered.Removed) == 0, nil
}

// rest are the files that an undisturbed update leaves, without those of the feed's metadata.
var rest = []string{
	"bin/.program.previous", "bin/program",
	"data/state/install-*.json", "data/state/journal", "data/state/journal.lock", "data/state/lock", "data/state/text.json",
}

var (
	recordName = regexp.MustCompile(`install-[0-9a-f]{12}\.json`)
	feedName   = regexp.MustCompile(`^data/state/feed/(id|time\.json|metadata/[a-z0-9._-]+\.json)$`)
)

// clean checks that there is nothing else.
func (s *site) clean() error {
	var found, strays []string
	err := filepath.WalkDir(s.dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(s.dir, p)
		if err != nil {
			return err
		}
		tree := s.folder && filepath.Dir(rel) == "bin"
		if d.IsDir() && !tree {
			return nil
		}
		name := recordName.ReplaceAllString(rel, "install-*.json")
		switch {
		case slices.Contains(rest, name):
			found = append(found, name)
		case !feedName.MatchString(rel):
			strays = append(strays, rel)
		}
		if tree && d.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case len(strays) > 0:
		return fmt.Errorf("left behind: %v", strays)
	case len(found) != len(rest):
		return fmt.Errorf("of what must be there only %v is", found)
	}
	return nil
}
