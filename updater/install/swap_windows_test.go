package install

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/windows"
)

// newRunnable is a site whose versions are executables: this test's, and the same with something behind its end.
func newRunnable(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.ok(os.Remove(s.target))
	s.target = filepath.Join(s.folder, "app.exe")
	var err error
	s.old, err = os.ReadFile(os.Args[0])
	s.ok(err)
	s.new = append(bytes.Clone(s.old), "the new version"...)
	s.write(s.target, s.old)
	return s
}

// start runs the target until the function it returns is called.
func (s *site) start() (end func()) {
	s.Helper()
	cmd := exec.Command(s.target, "-test.run=^TestChildThatRuns$")
	cmd.Env = append(os.Environ(), "INSTALL_RUNS=yes")
	in, err := cmd.StdinPipe()
	s.ok(err)
	out, err := cmd.StdoutPipe()
	s.ok(err)
	s.ok(cmd.Start())
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		s.Fatalf("the target does not run: %q, %v", line, err)
	}
	ended := false
	end = func() {
		if ended {
			return
		}
		ended = true
		s.ok(in.Close())
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			s.Errorf("the program did not end as it should: %v", err)
		}
	}
	s.Cleanup(end)
	return end
}

func TestChildThatRuns(t *testing.T) {
	if os.Getenv("INSTALL_RUNS") == "" {
		t.Skip("runs only as a child of other tests")
	}
	fmt.Println("it runs")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		t.Fatal(err)
	}
}

// prepare stages the new version.
func (s *site) prepare(i *Install) {
	s.Helper()
	s.ok(i.Unpack(s.Context(), s.full(i, s.new), artifact(s.new)))
}

func TestRunningProgramIsReplaced(t *testing.T) {
	s := newRunnable(t)
	i := s.open()
	end := s.start()
	s.prepare(i)
	s.ok(i.Swap(t.Context()))
	s.runs(s.new)
	s.start()()
	s.ok(i.Confirm())
	_, err := i.Recover()
	s.ok(err)
	s.holds(s.folder, "app.exe", ".app.exe.previous")

	// The one that is gone back to still runs when it is replaced for the second time.
	s.back(i)
	s.runs(s.old)
	_, err = i.Recover()
	s.ok(err)
	end()
	got, err := i.Recover()
	s.ok(err)
	if got.Probation || !got.CanGoBack {
		t.Errorf("recovered %+v", got)
	}
	s.holds(s.folder, "app.exe", ".app.exe.previous")
}

func TestRunningProgramIsTakenBack(t *testing.T) {
	s := newRunnable(t)
	i := s.open()
	s.prepare(i)
	s.ok(i.Swap(t.Context()))
	end := s.start()
	s.ok(i.RollBack())
	s.runs(s.old)
	s.start()()
	s.ok(i.RollBack())
	_, err := i.Recover() // the bad version's file is in use, which is no error
	s.ok(err)
	end()
	_, err = i.Recover()
	s.ok(err)
	s.holds(s.folder, "app.exe")
}

// hold opens a file as a virus scanner does that lets nobody else at it.
func (s *site) hold(path string) (release func()) {
	s.Helper()
	name, err := windows.UTF16PtrFromString(path)
	s.ok(err)
	h, err := windows.CreateFile(name, windows.GENERIC_READ, 0, nil, windows.OPEN_EXISTING, 0, 0)
	s.ok(err)
	held := true
	release = func() {
		if held {
			held = false
			_ = windows.CloseHandle(h)
		}
	}
	s.Cleanup(release)
	return release
}

func TestSharingViolationPasses(t *testing.T) {
	s := newSite(t)
	i := s.open()
	s.stage(i)
	released := make(chan struct{})
	i.point = func(step string) {
		if step == "renamed for selfupdate" {
			release := s.hold(s.target)
			time.AfterFunc(100*time.Millisecond, func() { release(); close(released) })
		}
	}
	s.ok(i.Swap(t.Context()))
	<-released
	s.runs(s.new)
	s.ok(i.Confirm())
	s.clean(i, ".app.previous")
}

func TestSharingViolationThatLasts(t *testing.T) {
	s := newSite(t)
	i := s.open()
	s.stage(i)
	var release func()
	i.point = func(step string) {
		if step == "renamed for selfupdate" {
			release = s.hold(s.target)
		}
	}
	if err := i.Swap(t.Context()); err == nil {
		t.Fatal("a file that nobody may touch was replaced")
	}
	release()
	i.point = func(string) {}
	s.runs(s.old)
	next := s.open()
	got, err := next.Recover()
	s.ok(err)
	if got.Staged == nil || got.Probation {
		t.Errorf("recovered %+v", got)
	}
	s.ok(next.Swap(t.Context()))
	s.runs(s.new)
}
