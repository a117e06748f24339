package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/tesseract-desktop/tesseract/app/passing"
	"github.com/tesseract-desktop/tesseract/app/sandbox"
	"github.com/tesseract-desktop/tesseract/updater"
)

// Events from Go to the page.
const (
	eventCapture     = "session:capture"     // with an id: capture now, and put the snapshot with it
	eventRestore     = "session:restore"     // the newest snapshot is not the page's own: restore it
	eventTookOver    = "session:took-over"   // this process is the one that the user sees
	eventMirror      = "session:mirror"      // with a mirrorItem of the other process's page
	eventCross       = "session:cross"       // with a crossStep
	eventRetired     = "session:retired"     // another process is: record and save nothing until it is over
	eventStatus      = "updates:status"      // with an updater.Status
	eventFrame       = "window:frame"        // with a window.Frame
	eventPreferences = "preferences:changed" // with preferences.Preferences
	eventDocuments   = "documents:changed"
)

// Session is this process's life as the page sees it.
type Session struct {
	engine    *updater.Engine
	snapshots *snapshots
	box       *sandbox.Sandbox
	emit      func(event string, data ...any)

	sequence *passing.Sequence               // of what the page says
	passage  atomic.Pointer[passing.Passage] // to the other process; nil when there is none
	meeting  func() passing.Meeting          // what the running version shows; set in a successor, and may be called more than once

	mu       sync.Mutex
	mode     string // "fresh" or "successor"
	begun    bool
	restored chan struct{} // closed at the page's next report
	holds    map[string]func()
	asked    map[string]chan<- string // questions to the page
	listens  bool                     // the page has restored once, and can carry out items
	unheard  []json.RawMessage        // items from before that
}

func newSession(mode string, box *sandbox.Sandbox, snaps *snapshots) *Session {
	s := &Session{
		box: box, snapshots: snaps, mode: mode, listens: mode != "successor", restored: make(chan struct{}),
		holds: map[string]func(){}, asked: map[string]chan<- string{}, meeting: func() passing.Meeting { return passing.Meeting{} },
	}
	s.sequence = passing.NewSequence(s.say)
	return s
}

// SessionStart is what the page needs to know before anything else.
type SessionStart struct {
	Mode     string   `json:"mode"` // "fresh", or "successor" when it is to restore behind a running version
	Version  string   `json:"version"`
	Schema   int      `json:"schema"`
	Language string   `json:"language"` // always "": the page knows its own
	Beneath  bool     `json:"beneath"`  // a successor that comes up beneath the running version's window, and so is painted
	Notices  []Notice `json:"notices"`
}

// Notice is something that the user should know from the start.
type Notice struct {
	Code   string `json:"code"` // "folder"
	Path   string `json:"path"`
	Detail string `json:"detail"`
}

// RestoreReport is what the page restored, verified after the restore.
type RestoreReport struct {
	Restored int            `json:"restored"`
	Total    int            `json:"total"`
	Missing  []MissingField `json:"missing"`
	MS       float64        `json:"ms"`
}

// MissingField is a field of the UI's state that did not come back.
type MissingField struct {
	Key string `json:"key"`
	Why string `json:"why"`
}

// Begin is the page's first call. It is called again when the page is loaded anew, and what held before is forgotten.
func (s *Session) Begin() SessionStart {
	s.snapshots.restart()
	s.releaseAll()
	beneath := s.meeting().Beneath // after this the newest snapshot is the one that the running version follows up
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = true
	start := SessionStart{Mode: s.mode, Version: Version, Schema: snapshotSchema, Beneath: beneath && s.mode == "successor", Notices: []Notice{}}
	for _, problem := range s.box.Health() {
		start.Notices = append(start.Notices, Notice{Code: "folder", Path: problem.Path, Detail: problem.Error()})
	}
	return start
}

// Restored reports the outcome of a restore.
func (s *Session) Restored(report RestoreReport) {
	missing := make([]string, 0, len(report.Missing))
	for _, field := range report.Missing {
		missing = append(missing, field.Key)
	}
	s.mu.Lock()
	close(s.restored)
	s.restored = make(chan struct{})
	s.listens = true
	for _, item := range s.unheard {
		s.emit(eventMirror, item)
	}
	s.unheard = nil
	s.mu.Unlock()
	s.engine.Ready(updater.Restored{Restored: report.Restored, Total: report.Total, Missing: missing})
}

// Visibility reports that the page was hidden or shown. When hidden, the snapshot of that moment is on disk already.
func (s *Session) Visibility(hidden bool) { s.engine.SetVisible(!hidden) }

// Hold names a reason why a restart must wait, until Release is called with the same id.
func (s *Session) Hold(id, label string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, held := s.holds[id]; !held {
		s.holds[id] = s.engine.Hold(id, label)
	}
}

// Release lets go of a hold.
func (s *Session) Release(id string) {
	s.mu.Lock()
	release, held := s.holds[id]
	delete(s.holds, id)
	s.mu.Unlock()
	if held {
		release()
	}
}

func (s *Session) releaseAll() {
	s.mu.Lock()
	holds := s.holds
	s.holds = map[string]func(){}
	s.mu.Unlock()
	for _, release := range holds {
		release()
	}
}

// capture makes the page write its state and returns when it is on disk.
func (s *Session) capture(ctx context.Context) error {
	s.mu.Lock()
	begun := s.begun
	s.mu.Unlock()
	if !begun {
		return fmt.Errorf("the page has not loaded: %w", context.Cause(ctx))
	}
	id := rand.Text()
	answer := s.snapshots.expect(id)
	defer s.snapshots.forget(id)
	s.emit(eventCapture, id)
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return fmt.Errorf("the page did not answer: %w", context.Cause(ctx))
	}
}

// refresh makes the page restore the newest snapshot and returns when it has, or when the context is done.
func (s *Session) refresh(ctx context.Context) {
	s.mu.Lock()
	done := s.restored
	s.mu.Unlock()
	s.emit(eventRestore)
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// tookOver makes this process the one in charge of the snapshots.
func (s *Session) tookOver() {
	s.mu.Lock()
	s.mode = "fresh"
	s.mu.Unlock()
	s.snapshots.setClosed(false)
	s.emit(eventTookOver)
}
