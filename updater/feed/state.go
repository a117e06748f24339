package feed

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/tesseract-desktop/tesseract/internal/durable"
	"github.com/tesseract-desktop/tesseract/updater/feed/internal/tuf"
)

// state is the client's folder:
//
//	metadata/         newest trusted files, against rollback and for small checks
//	roots/N.root.json every root after the built-in one
//	time.json         the highest time that a check succeeded at
//	id                who this installation is when a rollout chooses
//	endpoint.json     where there was no check endpoint, and when
type state struct {
	root *os.Root
	log  *slog.Logger
	at   time.Time
}

const (
	timeFile     = "time.json"
	idFile       = "id"
	endpointFile = "endpoint.json"
	dirMode      = 0o700
	fileMode     = 0o600
	// maxFile limits what is read of a kept file, in bytes.
	maxFile = 8 << 20
	// forgetMissing is when an endpoint that was missing is looked for again.
	forgetMissing = 24 * time.Hour
)

var idText = regexp.MustCompile(`^[a-z2-7]{26}$`)

type timeDocument struct {
	Highest time.Time `json:"highest"`
}

func openState(dir string, log *slog.Logger) (*state, error) {
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return nil, fmt.Errorf("make the folder for feed state (is its parent writable?): %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the folder for feed state: %w", err)
	}
	s := &state{root: root, log: log}
	for _, sub := range []string{"metadata", "roots"} {
		if err := root.Mkdir(sub, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
			s.close()
			return nil, fmt.Errorf("make a folder for feed state: %w", err)
		}
	}
	s.sweep()
	if err := s.loadTime(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// sweep removes what a crash left half written, once it is old enough not to
// belong to another process. That it cannot is no reason not to check.
func (s *state) sweep() {
	old := time.Now().Add(-time.Hour)
	for _, dir := range []string{".", "roots", "metadata"} {
		if err := durable.Sweep(s.root, dir, old); err != nil {
			s.log.Warn("unfinished files are left", "folder", dir, "err", err)
		}
	}
}

func (s *state) close() { _ = s.root.Close() }

func (s *state) loadTime() error {
	data, err := s.read(timeFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the time of the last check: %w", err)
	}
	var doc timeDocument
	if err := json.Unmarshal(data, &doc); err != nil {
		// Losing it costs one protection until the next check; refusing to go
		// on would cost all updates.
		s.log.Warn("time of the last check is not readable, starting anew", "err", err)
		return nil
	}
	s.at = doc.Highest
	return nil
}

// latest is now, or the highest time seen where that is later.
func (s *state) latest(now time.Time) time.Time {
	if s.at.After(now) {
		return s.at.UTC()
	}
	return now.UTC()
}

func (s *state) saveTime(at time.Time) error {
	if !at.After(s.at) {
		return nil
	}
	data, err := json.Marshal(timeDocument{Highest: at})
	if err != nil {
		return err
	}
	if err := durable.WriteFile(s.root, timeFile, data, fileMode); err != nil {
		return fmt.Errorf("keep the time of this check: %w", err)
	}
	s.at = at
	return nil
}

// newestRoot follows the kept roots from the built-in one for as long as each
// is signed by the one before, and returns the last.
func (s *state) newestRoot(builtIn []byte) []byte {
	return tuf.Newest(builtIn, func(version int64) ([]byte, error) { return s.read(rootName(version)) }, s.log)
}

func (s *state) keepRoot(version int64, data []byte) error {
	return durable.WriteFile(s.root, rootName(version), data, fileMode)
}

func rootName(version int64) string { return fmt.Sprintf("roots/%d.root.json", version) }

func (s *state) folder() tuf.Folder { return tuf.Folder{Root: s.root, Dir: "metadata"} }

// held says which version of each role is kept; a role that is not, is missing.
// It is what the server is told, so that it can leave these out. A wrong answer
// costs a request and nothing else.
func (s *state) held(roles ...string) map[string]int64 {
	held := map[string]int64{}
	for _, role := range roles {
		data, err := s.folder().Read(role, maxFile)
		if err != nil {
			continue
		}
		if v := version(data); v > 0 {
			held[role] = v
		}
	}
	return held
}

// stamp tells the kept timestamp from another one of the same version, which a
// feed that was made anew, or somebody else's, can have: the first 8
// bytes of its SHA-256, without the spaces around it.
func (s *state) stamp() string {
	data, err := s.folder().Read(metadata.TIMESTAMP, maxFile)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(bytes.TrimSpace(data))
	return hex.EncodeToString(sum[:8])
}

func version(data []byte) int64 {
	var doc struct {
		Signed struct {
			Version int64 `json:"version"`
		} `json:"signed"`
	}
	if json.Unmarshal(data, &doc) != nil {
		return 0
	}
	return doc.Signed.Version
}

// id returns what tells this installation from others in a rollout, made at
// random the first time.
func (s *state) id() (string, error) {
	data, err := s.read(idFile)
	if err == nil && idText.Match(data) {
		return string(data), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the id of this installation: %w", err)
	}
	id := strings.ToLower(rand.Text())
	if err := durable.WriteFile(s.root, idFile, []byte(id), fileMode); err != nil {
		return "", fmt.Errorf("keep the id of this installation: %w", err)
	}
	return id, nil
}

type endpointDocument struct {
	URL     string    `json:"url"`
	Missing time.Time `json:"missing"` // when it was found missing
}

// endpointMissing tells whether there was no endpoint at url less than a day ago.
func (s *state) endpointMissing(url string, now time.Time) bool {
	var doc endpointDocument
	data, err := s.read(endpointFile)
	if err != nil || json.Unmarshal(data, &doc) != nil || doc.URL != url {
		return false
	}
	age := now.Sub(doc.Missing)
	return age >= 0 && age < forgetMissing
}

// rememberMissing spares the next checks a request. That it cannot is no reason
// to fail.
func (s *state) rememberMissing(url string, now time.Time) {
	data, err := json.Marshal(endpointDocument{url, now})
	if err == nil {
		err = durable.WriteFile(s.root, endpointFile, data, fileMode)
	}
	if err != nil {
		s.log.Warn("that there is no check endpoint was not kept", "err", err)
	}
}

// read returns a kept file, refusing one longer than any answer can be.
func (s *state) read(name string) ([]byte, error) {
	f, err := s.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s is longer than %d bytes", name, maxFile)
	}
	return data, nil
}
