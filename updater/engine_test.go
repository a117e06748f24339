package updater_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater"
	"github.com/tesseract-desktop/tesseract/updater/doctor"
	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/updater/fetch/system"
	"github.com/tesseract-desktop/tesseract/updater/install"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

const (
	appName        = "notes"
	windowState    = `{"minimised":true}`
	stateVariable  = "UPDATER_TEST_STATE"
	makersVariable = "UPDATER_TEST_MAKERS"
)

func settings(probation time.Duration) updater.Settings {
	return updater.Settings{Channel: release.Stable, Automatic: updater.All, CheckEvery: time.Hour, Probation: probation}
}

// buildVCM builds the release tool once for all tests: client and server meet over HTTP only, here as well. Where no programs can be built,
// UPDATER_TEST_VCM names it.
var buildVCM = sync.OnceValue(func() string {
	if built := os.Getenv("UPDATER_TEST_VCM"); built != "" {
		return built
	}
	path := filepath.Join(scratch, "vcm.exe")
	if out, err := exec.Command("go", "build", "-o", path, "../cmd/vcm").CombinedOutput(); err != nil {
		panic(string(out))
	}
	return path
})

// stage is a publisher with a feed on a real server, and an incumbent in this very process.
type stage struct {
	t         *testing.T
	dir       string
	vcm       string
	server    *httptest.Server
	engine    *updater.Engine
	program   string
	version   string // of the incumbent
	states    chan updater.Status
	ended     chan struct{}    // the incumbent was told to quit
	makers    *httptest.Server // takes reports; nil: there is none
	doctor    doctor.Options
	published string // at the publisher's
	quit      func() // what the incumbent does then
	stop      func() // ends the incumbent as the system would

	mu         sync.Mutex
	events     []string
	faulty     func(path string) bool
	captureErr error
	chosen     updater.Settings
	first      system.State      // what the machine says of itself at first
	machine    chan system.State // and then
	pushes     chan int          // versions that the server's stream announces
	ahead      time.Duration     // of the engine's clock
}

// pass lets time go by for the engine.
func (s *stage) pass(d time.Duration) {
	s.mu.Lock()
	s.ahead += d
	s.mu.Unlock()
	s.engine.SettingsChanged()
}

func (s *stage) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.ahead)
}

// choose changes the settings, as their owner would.
func (s *stage) choose(change func(*updater.Settings)) {
	s.mu.Lock()
	change(&s.chosen)
	s.mu.Unlock()
	if s.engine != nil {
		s.engine.SettingsChanged()
	}
}

func (s *stage) settings() updater.Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.chosen
}

func (s *stage) system(ctx context.Context, changed func(system.State)) {
	changed(s.first)
	for {
		select {
		case now := <-s.machine:
			changed(now)
		case <-ctx.Done():
			return
		}
	}
}

func newStage(t *testing.T) *stage {
	t.Parallel()
	s := &stage{t: t, dir: t.TempDir(), vcm: buildVCM(), version: "1.0.0", states: make(chan updater.Status, 4096), ended: make(chan struct{}),
		chosen: settings(time.Hour), machine: make(chan system.State), pushes: make(chan int)}
	s.begin("nothing", func(dir string) { s.run(s.vcm, "init", dir, "--app", appName) })
	files := http.FileServer(http.Dir(s.path("pub")))
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		faulty := s.faulty
		s.mu.Unlock()
		if faulty != nil && faulty(r.URL.Path) {
			http.Error(w, "no", http.StatusNotFound)
			return
		}
		if r.URL.Path == "/v1/events" {
			s.stream(w, r)
			return
		}
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(s.server.Close)
	s.program = s.path("bin/notes.exe")
	makeProgram(t, s.program, "1.0.0", good)
	return s
}

func (s *stage) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	for {
		select {
		case version := <-s.pushes:
			fmt.Fprintf(w, "event: changed\ndata: {\"timestamp\":%d}\n\n", version)
			_ = http.NewResponseController(w).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

func (s *stage) run(name string, args ...string) {
	s.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		s.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// publishers are folders that many tests begin with, each made once, because packing a release takes seconds.
var publishers sync.Map // of what is published in it -> *publisher

type publisher struct {
	once sync.Once
	dir  string
}

// begin makes the stage's publisher a copy of one that make has made, for this test or another.
func (s *stage) begin(published string, make func(dir string)) {
	s.t.Helper()
	known, _ := publishers.LoadOrStore(published, &publisher{})
	first := known.(*publisher)
	first.once.Do(func() {
		dir, err := os.MkdirTemp(scratch, "publisher")
		if err != nil {
			s.t.Fatal(err)
		}
		made := filepath.Join(dir, "pub")
		make(made)
		first.dir = made
	})
	if first.dir == "" {
		s.t.Fatalf("another test could not publish %s", published)
	}
	s.copyPublisher(first.dir)
	s.published = published
}

// copyPublisher copies what has been made elsewhere; the keys are again for nobody else to read.
func (s *stage) copyPublisher(made string) {
	s.t.Helper()
	err := os.CopyFS(s.path("pub"), os.DirFS(made))
	if err == nil {
		err = filepath.WalkDir(s.path("pub"), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			return os.Chmod(path, 0o600)
		})
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) publish(version, behaviour string) {
	s.t.Helper()
	if s.published != "nothing" || s.engine != nil {
		s.publishWith(version, behaviour, 0)
		return
	}
	if err := os.RemoveAll(s.path("pub")); err != nil {
		s.t.Fatal(err)
	}
	s.begin(version+" "+behaviour, func(dir string) {
		s.run(s.vcm, "init", dir, "--app", appName)
		s.publishTo(dir, version, behaviour, 0)
	})
}

// publishWith also makes patches from so many older releases, and takes further flags.
func (s *stage) publishWith(version, behaviour string, patches int, flags ...string) {
	s.t.Helper()
	s.published += ", " + version
	s.publishTo(s.path("pub"), version, behaviour, patches, flags...)
}

func (s *stage) publishTo(dir, version, behaviour string, patches int, flags ...string) {
	s.t.Helper()
	file := s.path("releases/" + version)
	makeProgram(s.t, file, version, behaviour)
	s.run(s.vcm, append([]string{"publish", file, "--dir", dir, "--version", version, "--channel", "stable",
		"--platform", release.Current().String(), "--patches", strconv.Itoa(patches)}, flags...)...)
}

// start runs the incumbent's engine until the test ends.
func (s *stage) start() {
	s.t.Helper()
	s.prepare()
	ctx, cancel := context.WithCancel(s.t.Context())
	s.quit = func() { close(s.ended); cancel() }
	done := make(chan struct{})
	go func() { s.engine.Run(ctx); close(done) }()
	s.stop = func() { cancel(); <-done }
	s.t.Cleanup(s.stop)
}

// prepare makes the incumbent's engine, which does not run yet.
func (s *stage) prepare() {
	s.t.Helper()
	root, err := os.ReadFile(s.path("pub/trust/root.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	runtimeDir, err := os.MkdirTemp("", "up") // short, for a socket
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { os.RemoveAll(runtimeDir) })
	note := func(event string) {
		s.mu.Lock()
		s.events = append(s.events, event)
		s.mu.Unlock()
	}
	s.engine, err = updater.New(updater.Options{
		App: appName, Version: version(s.t, s.version),
		Feed:       feed.Options{URL: s.server.URL + "/feed/", CheckURL: s.server.URL + "/v1/check", Root: root, Dir: s.path("state/feed"), App: appName},
		Install:    install.Options{Target: s.program, Dir: s.path("state")},
		Doctor:     s.doctor,
		RuntimeDir: runtimeDir,
		Settings:   s.settings,
		System:     s.system,
		OnStatus:   func(status updater.Status) { s.states <- status },
		Now:        s.now,
		Outcomes:   s.outcomes(),
		Host: updater.Host{
			Capture: func(context.Context) error {
				note("capture")
				s.mu.Lock()
				defer s.mu.Unlock()
				return s.captureErr
			},
			Command:   s.command,
			Window:    func() json.RawMessage { return json.RawMessage(windowState) },
			YieldLock: func(func(string, *os.File) error) { note("yield") },
			TakeLock:  func() error { note("take"); return nil },
			TakeOver:  func(context.Context, json.RawMessage) error { return nil },
			Retire:    func() { note("retire") },
			TakeBack:  func() { note("take back") },
			Quit:      func() { s.quit() },
		},
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) command() *exec.Cmd {
	cmd := exec.Command(s.program)
	cmd.Env = append(os.Environ(), stateVariable+"="+s.path("state"))
	if s.makers != nil {
		cmd.Env = append(cmd.Env, makersVariable+"="+s.makers.URL)
	}
	cmd.Stderr = os.Stderr
	return cmd
}

// await returns the first status that fits, and fails the test when none comes.
func (s *stage) await(what string, fits func(updater.Status) bool) updater.Status {
	s.t.Helper()
	deadline := time.After(20 * time.Second)
	var last updater.Status
	for {
		select {
		case last = <-s.states:
			if fits(last) {
				return last
			}
		case <-deadline:
			s.t.Fatalf("no status came that is %s; the last was %s %+v", what, last.State, last.Reason)
		}
	}
}

func (s *stage) awaitState(state updater.State) updater.Status {
	s.t.Helper()
	return s.await(string(state), func(got updater.Status) bool { return got.State == state })
}

func (s *stage) awaitEnd() {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(20 * time.Second):
		s.t.Fatal("the incumbent was not told to quit")
	}
}

func (s *stage) installed(want string) {
	s.t.Helper()
	if got, _, _ := identity(s.program); got != want {
		s.t.Errorf("%s is installed, want %s", got, want)
	}
}

func TestSilentUpdate(t *testing.T) {
	s := newStage(t)
	s.publish("1.1.0", good)
	s.start()
	waiting := s.awaitState(updater.Waiting)
	if waiting.Target != "1.1.0" || waiting.Figures.Codec != "zstd" || waiting.PatchBytes == 0 {
		t.Errorf("waiting: %+v", waiting)
	}
	s.installed("1.0.0")
	release := s.engine.Hold("export", "Exporting 3 documents")
	s.engine.SetVisible(false)
	held := s.await("held", func(got updater.Status) bool { return len(got.Holds) == 1 })
	if held.State != updater.Waiting || held.Holds[0].Label != "Exporting 3 documents" {
		t.Errorf("held: %+v", held)
	}
	release()
	s.awaitEnd()
	s.installed("1.1.0")
	s.mu.Lock()
	events := strings.Join(s.events, ", ")
	s.mu.Unlock()
	if events != "capture, capture, yield, retire" {
		t.Errorf("the app was asked to %s", events)
	}
	history, err := s.engine.History()
	if err != nil || len(history) != 1 {
		t.Fatalf("history %+v, %v", history, err)
	}
	if r := history[0]; r.Outcome != updater.Confirmed || r.How != "hidden" || r.Restored != 3 || r.Total != 3 || r.Bytes == 0 {
		t.Errorf("history %+v", r)
	}
}

func TestBadReleaseTakesItselfBack(t *testing.T) {
	for behaviour, want := range map[string]struct {
		state updater.State
		code  updater.Code
	}{
		failsTrial:  {updater.Refused, updater.TrialFailed},
		exitsAtOnce: {updater.RolledBack, updater.Crash},
		forgetful:   {updater.RolledBack, updater.Restore},
		dies:        {updater.RolledBack, updater.Crash},
	} {
		t.Run(behaviour, func(t *testing.T) {
			s := newStage(t)
			s.publish("1.1.0", behaviour)
			s.start()
			s.engine.SetVisible(false)
			end := s.awaitState(want.state)
			if end.Reason == nil || end.Reason.Code != want.code {
				t.Errorf("reason %+v, want %s", end.Reason, want.code)
			}
			s.installed("1.0.0")

			// It is not tried again, and the next good release goes through.
			s.engine.Check()
			s.awaitState(updater.Checking)
			again := s.await("an end", func(got updater.Status) bool { return got.State != updater.Checking && got.Reason != nil })
			if again.State != want.state || again.Reason.Code != want.code {
				t.Errorf("after another check: %s %+v", again.State, again.Reason)
			}
			s.publish("1.2.0", good)
			s.engine.Check()
			s.awaitEnd()
			s.installed("1.2.0")
		})
	}
}

// waiting returns a stage whose engine has downloaded 1.1.0 and waits for a moment to install it.
func waiting(t *testing.T, behaviour string) *stage {
	t.Helper()
	s := newStage(t)
	s.publish("1.1.0", behaviour)
	s.start()
	s.awaitState(updater.Waiting)
	return s
}

func TestUserComesBackInTheMiddle(t *testing.T) {
	s := waiting(t, good)
	s.engine.SetVisible(false)
	s.awaitState(updater.Swapping)
	s.engine.SetVisible(true)
	end := s.awaitState(updater.Aborted)
	if end.Reason == nil || end.Reason.Code != updater.Returned {
		t.Errorf("reason %+v", end.Reason)
	}
	s.installed("1.0.0")
	s.awaitState(updater.Waiting)
	s.engine.SetVisible(false)
	s.awaitEnd()
	s.installed("1.1.0")
}

func TestRestartOnRequest(t *testing.T) {
	s := waiting(t, good)
	s.engine.Restart()
	s.awaitEnd()
	history, err := s.engine.History()
	if err != nil || len(history) == 0 || history[0].How != "asked" {
		t.Errorf("history %+v, %v", history, err)
	}
}

func TestRecalledWhileItWaited(t *testing.T) {
	s := newStage(t)
	s.start()
	s.awaitState(updater.Current)
	s.publish("1.1.0", good)
	s.engine.Check()
	s.awaitState(updater.Waiting)
	s.publish("1.2.0", good)
	s.engine.SetVisible(false)
	s.awaitEnd()
	s.installed("1.2.0")
}

func TestMissingFileIsAReasonAndNoLoss(t *testing.T) {
	s := newStage(t)
	s.publish("1.1.0", good)
	s.faulty = func(path string) bool { return strings.Contains(path, "/artifacts/") }
	s.start()
	end := s.awaitState(updater.Refused)
	if end.Reason == nil || end.Reason.Code != updater.Unreachable {
		t.Errorf("reason %+v", end.Reason)
	}
	s.mu.Lock()
	s.faulty = nil
	s.mu.Unlock()
	s.engine.Check()
	s.awaitState(updater.Waiting)
}
