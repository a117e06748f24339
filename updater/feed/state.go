package feed

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"github.com/tesseract-desktop/tesseract/internal/durable"
)

// state is the client's folder:
//
//	metadata/         go-tuf's cache, against rollback and for small checks
//	roots/N.root.json every root after the built-in one
//	time.json         the highest time that a check succeeded at
type state struct {
	dir  string
	root *os.Root
	log  *slog.Logger
	at   time.Time
}

const (
	timeFile = "time.json"
	dirMode  = 0o700
	fileMode = 0o600
	// libraryTemp is how go-tuf names a file of the cache before it is complete.
	libraryTemp = "tuf_tmp"
)

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
	s := &state{dir: dir, root: root, log: log}
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
	for _, dir := range []string{".", "roots"} {
		if err := durable.Sweep(s.root, dir, old); err != nil {
			s.log.Warn("unfinished files are left", "folder", dir, "err", err)
		}
	}
	entries, err := fs.ReadDir(s.root.FS(), "metadata")
	if err != nil {
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), libraryTemp) && info.ModTime().Before(old) {
			_ = s.root.Remove("metadata/" + e.Name())
		}
	}
}

func (s *state) close() { _ = s.root.Close() }

func (s *state) metadataDir() string { return filepath.Join(s.dir, "metadata") }

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
	trusted, err := trustedmetadata.New(builtIn)
	if err != nil {
		return builtIn // New has verified it; the library will say what is wrong
	}
	newest := builtIn
	for {
		name := rootName(trusted.Root.Signed.Version + 1)
		data, err := s.read(name)
		if err != nil {
			return newest
		}
		if _, err := trusted.UpdateRoot(data); err != nil {
			s.log.Warn("kept root does not continue the chain, it will be fetched anew", "file", name, "err", err)
			return newest
		}
		newest = data
	}
}

// saveRoots keeps those fetched roots that were proven, that is all up to the
// version which is trusted now.
func (s *state) saveRoots(fetched [][]byte, trusted int64) error {
	for _, data := range fetched {
		root, err := metadata.Root().FromBytes(data)
		if err != nil || root.Signed.Version > trusted {
			continue
		}
		if err := durable.WriteFile(s.root, rootName(root.Signed.Version), data, fileMode); err != nil {
			return fmt.Errorf("keep root %d: %w", root.Signed.Version, err)
		}
	}
	return nil
}

func rootName(version int64) string { return fmt.Sprintf("roots/%d.root.json", version) }

// dropUnreadable removes cached files that were damaged: the library would stop
// at them for ever, instead of fetching them again.
func (s *state) dropUnreadable(role string) {
	readable := map[string]func([]byte) error{
		metadata.TIMESTAMP: func(b []byte) error { _, err := metadata.Timestamp().FromBytes(b); return err },
		metadata.SNAPSHOT:  func(b []byte) error { _, err := metadata.Snapshot().FromBytes(b); return err },
		metadata.TARGETS:   func(b []byte) error { _, err := metadata.Targets().FromBytes(b); return err },
		role:               func(b []byte) error { _, err := metadata.Targets().FromBytes(b); return err },
	}
	for name, check := range readable {
		file := "metadata/" + name + ".json"
		data, err := s.read(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = check(data)
		}
		if err != nil {
			s.log.Warn("kept metadata is damaged and will be fetched anew", "file", file, "err", err)
			_ = s.root.RemoveAll(file)
		}
	}
}

// read returns a kept file, refusing one longer than any answer can be.
func (s *state) read(name string) ([]byte, error) {
	f, err := s.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxAnswer {
		return nil, fmt.Errorf("%s is longer than %d bytes", name, maxAnswer)
	}
	return data, nil
}
