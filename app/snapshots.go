package app

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/tesseract-desktop/tesseract/app/snapshot"
)

// snapshotPath is where the page puts and gets its state. HTTP through the asset handler carries megabytes several times faster than a bound
// method, which would quote them into JSON twice.
const snapshotPath = "/snapshot"

// Headers of a PUT: the page's running number, so that a late request cannot undo a newer one, and the capture it answers, if any.
const (
	seqHeader     = "X-Seq"
	captureHeader = "X-Capture"
)

// snapshots is the page's way to the snapshot store.
type snapshots struct {
	store *snapshot.Store

	mu      sync.Mutex
	closed  bool                    // another process is in charge: nothing is written
	seq     uint64                  // of the page's newest PUT
	written uint64                  // the store's number of the newest record written here
	read    uint64                  // the store's number of the newest record the page has got
	asked   map[string]chan<- error // captures the page has been asked for
}

func newSnapshots(store *snapshot.Store) *snapshots {
	return &snapshots{store: store, asked: map[string]chan<- error{}}
}

func (s *snapshots) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
		s.get(w)
	case http.MethodPut:
		s.put(w, r)
	default:
		w.Header().Set("Allow", "GET, PUT")
		http.Error(w, "only GET and PUT", http.StatusMethodNotAllowed)
	}
}

func (s *snapshots) get(w http.ResponseWriter) {
	record, payload, found, err := s.store.Newest(snapshotSchema)
	switch {
	case err != nil:
		http.Error(w, pageError(err).Error(), http.StatusInternalServerError)
	case !found:
		w.WriteHeader(http.StatusNoContent)
	default:
		s.mu.Lock()
		s.read = max(s.read, record.Seq)
		s.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(payload) // the page is gone when this fails
	}
}

func (s *snapshots) put(w http.ResponseWriter, r *http.Request) {
	seq, err := strconv.ParseUint(r.Header.Get(seqHeader), 10, 64)
	if err != nil {
		http.Error(w, seqHeader+" must be a whole number", http.StatusBadRequest)
		return
	}
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, snapshot.MaxSize))
	if err == nil && len(payload) == 0 {
		err = errors.New("the snapshot is empty")
	}
	if err == nil {
		err = s.write(seq, payload)
	}
	s.answer(r.Header.Get(captureHeader), err)
	if errors.Is(err, errNotInCharge) {
		http.Error(w, pageError(err).Error(), http.StatusConflict)
		return
	}
	if err != nil {
		http.Error(w, pageError(err).Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// errNotInCharge says that another process keeps the state now, so that this page's is of no use.
var errNotInCharge = errors.New("another version of the app is running and keeps the state")

// write appends a snapshot, unless a newer one came first, which contains it.
func (s *snapshots) write(seq uint64, payload []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errNotInCharge
	}
	if seq <= s.seq {
		return nil
	}
	record, err := s.store.Append(payload)
	if err != nil {
		return err
	}
	s.seq, s.written = seq, record.Seq
	return nil
}

// expect registers a capture that the page is about to be asked for.
func (s *snapshots) expect(id string) <-chan error {
	answer := make(chan error, 1)
	s.mu.Lock()
	s.asked[id] = answer
	s.mu.Unlock()
	return answer
}

func (s *snapshots) answer(id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if answer, ok := s.asked[id]; ok {
		delete(s.asked, id)
		answer <- err
	}
}

func (s *snapshots) forget(id string) {
	s.mu.Lock()
	delete(s.asked, id)
	s.mu.Unlock()
}

// restart prepares for a page that counts from one again.
func (s *snapshots) restart() {
	s.mu.Lock()
	s.seq = 0
	s.mu.Unlock()
}

// setClosed says whether another process is in charge.
func (s *snapshots) setClosed(closed bool) {
	s.mu.Lock()
	s.closed = closed
	s.mu.Unlock()
}

// stale says whether the store holds something newer than what this process's page has written or read.
func (s *snapshots) stale() bool {
	record, _, found, err := s.store.Newest(snapshotSchema)
	s.mu.Lock()
	defer s.mu.Unlock()
	return err == nil && found && record.Seq > max(s.read, s.written)
}
