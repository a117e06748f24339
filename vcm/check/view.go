package check

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/tesseract-desktop/tesseract/updater/release"
)

const (
	folder    = "metadata/"
	timestamp = folder + "timestamp.json"
	// maxFile limits a file of the feed, in bytes; clients have the same limit.
	maxFile = 8 << 20
)

// view is one state of the feed. It does not change, save for what it keeps ready.
type view struct {
	feed    *os.Root
	log     *slog.Logger
	stat    fs.FileInfo      // of timestamp.json
	version int64            // of the timestamp
	stamp   []byte           // the timestamp itself
	tag     string           // what tells it from another one of the same version
	roles   map[string]int64 // version of every other role, root among them
	over    chan struct{}    // closed when there is another view

	making sync.Mutex // an answer that many wait for is made once, and one at a time
	mu     sync.Mutex
	ready  map[string]encoded
	packed int // bytes in ready
}

// view returns the state that timestamp.json names now.
func (s *Service) view() (*view, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stat, err := s.opts.Feed.Stat(timestamp)
	if err != nil {
		return nil, err
	}
	if v := s.current; v != nil && os.SameFile(v.stat, stat) && v.stat.ModTime().Equal(stat.ModTime()) && v.stat.Size() == stat.Size() {
		return v, nil
	}
	return s.reload(stat)
}

// refresh looks at the whole folder anew: a root can be new where the timestamp
// is not.
func (s *Service) refresh() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	stat, err := s.opts.Feed.Stat(timestamp)
	if err != nil {
		return err
	}
	_, err = s.reload(stat)
	return err
}

// reload reads the folder and, where it has changed, tells those who wait.
func (s *Service) reload(stat fs.FileInfo) (*view, error) {
	next, err := load(s.opts.Feed, stat, s.opts.Log)
	if err != nil {
		return nil, err
	}
	old := s.current
	if old != nil && bytes.Equal(old.stamp, next.stamp) && old.roles["root"] == next.roles["root"] {
		old.stat = stat
		return old, nil
	}
	s.current = next
	if old != nil {
		close(old.over)
	}
	return next, nil
}

// load reads the timestamp, the snapshot that it names, and the newest root's number.
func load(feed *os.Root, stat fs.FileInfo, log *slog.Logger) (*view, error) {
	v := &view{feed: feed, log: log, stat: stat, roles: map[string]int64{}, over: make(chan struct{}), ready: map[string]encoded{}}
	var doc document
	var err error
	if v.stamp, err = v.read("timestamp.json"); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(v.stamp, &doc); err != nil {
		return nil, fmt.Errorf("timestamp.json: %w", err)
	}
	v.version = doc.Signed.Version
	sum := sha256.Sum256(v.stamp)
	v.tag = hex.EncodeToString(sum[:8])
	v.roles["snapshot"] = doc.Signed.Meta["snapshot.json"].Version
	snapshot, err := v.read(v.name("snapshot"))
	if err != nil {
		return nil, err
	}
	doc = document{}
	if err := json.Unmarshal(snapshot, &doc); err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	for name, meta := range doc.Signed.Meta {
		if role, ok := strings.CutSuffix(name, ".json"); ok && role != "root" && role != "snapshot" && role != "timestamp" {
			v.roles[role] = meta.Version
		}
	}
	v.roles["root"], err = newestRoot(feed)
	return v, err
}

// document is what all of TUF's files that are read here have in common.
type document struct {
	Signed struct {
		Version int64 `json:"version"`
		Meta    map[string]struct {
			Version int64 `json:"version"`
		} `json:"meta"`
	} `json:"signed"`
}

func newestRoot(feed *os.Root) (int64, error) {
	entries, err := fs.ReadDir(feed.FS(), strings.TrimSuffix(folder, "/"))
	if err != nil {
		return 0, err
	}
	var newest int64
	for _, e := range entries {
		number, ok := strings.CutSuffix(e.Name(), ".root.json")
		if n, err := strconv.ParseInt(number, 10, 64); ok && err == nil {
			newest = max(newest, n)
		}
	}
	return newest, nil
}

// carries tells whether the feed has releases of the app.
func (v *view) carries(app string) bool { return v.roles[release.Role(app)] > 0 }

// name is the file of a role at the version of this view.
func (v *view) name(role string) string { return versioned(role, v.roles[role]) }

func versioned(role string, version int64) string {
	return strconv.FormatInt(version, 10) + "." + role + ".json"
}

// read returns a file that can stand in an answer as it is: a JSON object with
// nothing around it, since what is around a value is lost to who reads the answer,
// and lengths and hashes are of the whole file.
func (v *view) read(name string) ([]byte, error) {
	f, err := v.feed.Open(folder + name)
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
	switch bare := bytes.TrimSpace(data); {
	case !bytes.HasPrefix(bare, []byte("{")) || !json.Valid(bare):
		return nil, errors.New(name + " is no JSON object")
	case len(bare) < len(data):
		return nil, errors.New(name + " has spaces or line ends around its object and can be fetched as a file only; sign and write it without them")
	}
	return data, nil
}

// appRoles are the roles whose change matters to the clients of an app.
func appRoles(app string) []string {
	return []string{"targets", release.Role(app), release.RolloutRole(app)}
}

// mark tells the states apart that matter to the clients of an app. A signature
// that was merely renewed is not among them.
func (v *view) mark(app string) string {
	parts := []string{strconv.FormatInt(v.roles["root"], 10)}
	for _, role := range appRoles(app) {
		parts = append(parts, v.name(role))
	}
	return strings.Join(parts, " ")
}
