package sync

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm"
)

// Limits of a feed's metadata: clients read no more either.
const (
	maxDocument  = 8 << 20  // bytes
	maxDocuments = 64 << 20 // bytes of all together
	maxRoots     = 256
	maxRoles     = 256
)

// Source reads a file of a feed of at most limit bytes. One that is not there
// is fs.ErrNotExist.
type Source func(ctx context.Context, name string, limit int64) ([]byte, error)

// Folder reads a feed's folder.
func Folder(feed *os.Root) Source {
	return func(_ context.Context, name string, limit int64) ([]byte, error) {
		f, err := feed.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return readWithin(f, name, limit)
	}
}

func readWithin(r io.Reader, name string, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s is longer than %d bytes", name, limit)
	}
	return data, err
}

// Inventory is one state of a feed: all that its timestamp leads to. It is what
// the documents say, and nobody has looked at their signatures.
type Inventory struct {
	Version   int64  // of the timestamp
	Timestamp []byte // the document
	// Documents are all others, in the order in which they are to appear: what is
	// referred to comes first, and roots, which count at once, come last.
	Documents []Document
	Roles     []Role // root first, timestamp last
	Apps      []string
	Releases  []release.Release // of all apps, in no order

	snapshot int64
	size     int64
	read     Source
}

// Document is a file of metadata.
type Document struct {
	Name string
	Data []byte
}

// Role is how long a role's document is valid.
type Role struct {
	Name    string    `json:"name"`
	Version int64     `json:"version"`
	Expires time.Time `json:"expires"`
}

// header is what all documents of TUF have in common.
type header struct {
	Type    string    `json:"_type"`
	Version int64     `json:"version"`
	Expires time.Time `json:"expires"`
}

type meta map[string]struct {
	Version int64 `json:"version"`
}

type timestamp struct {
	header
	Meta meta `json:"meta"`
}

func (t timestamp) snapshot() int64 { return t.Meta["snapshot.json"].Version }

type targets struct {
	header
	Targets map[string]struct {
		Length int64 `json:"length"`
		Hashes struct {
			SHA256 release.Digest `json:"sha256"`
		} `json:"hashes"`
		Custom json.RawMessage `json:"custom"`
	} `json:"targets"`
}

var roleName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func versioned(version int64, role string) string {
	return fmt.Sprintf("metadata/%d.%s.json", version, role)
}

func rootName(version int64) string { return versioned(version, "root") }

// Read takes a feed's inventory. A release that this version cannot read is an
// error: leaving it out would be half a feed.
func Read(ctx context.Context, from Source) (Inventory, error) {
	inv := Inventory{read: from}
	if err := inv.load(ctx); err != nil {
		return Inventory{}, fmt.Errorf("read the feed: %w", err)
	}
	return inv, nil
}

func (inv *Inventory) load(ctx context.Context) error {
	var err error
	if inv.Timestamp, err = inv.fetch(ctx, vcm.TimestampFile); err != nil {
		return err
	}
	t, err := parseTimestamp(inv.Timestamp)
	if err != nil {
		return err
	}
	inv.Version, inv.snapshot = t.Version, t.snapshot()
	snapshot, err := inv.fetch(ctx, versioned(inv.snapshot, "snapshot"))
	if err != nil {
		return err
	}
	var s timestamp // the same shape
	if err := parse(snapshot, "snapshot", &s, &s.header); err != nil {
		return err
	}
	if len(s.Meta) > maxRoles {
		return fmt.Errorf("snapshot names %d roles, at most %d are read", len(s.Meta), maxRoles)
	}
	for _, file := range slices.Sorted(maps.Keys(s.Meta)) {
		if err := inv.role(ctx, file, s.Meta[file].Version); err != nil {
			return err
		}
	}
	inv.Documents = append(inv.Documents, Document{versioned(inv.snapshot, "snapshot"), snapshot})
	if err := inv.roots(ctx); err != nil {
		return err
	}
	inv.Roles = append(inv.Roles, Role{"snapshot", s.Version, s.Expires}, Role{"timestamp", t.Version, t.Expires})
	return nil
}

func (inv *Inventory) fetch(ctx context.Context, name string) ([]byte, error) {
	data, err := inv.read(ctx, name, maxDocument)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if inv.size += int64(len(data)); inv.size > maxDocuments {
		return nil, fmt.Errorf("its metadata is longer than %d bytes", maxDocuments)
	}
	return data, nil
}

func parseTimestamp(data []byte) (timestamp, error) {
	var t timestamp
	if err := parse(data, "timestamp", &t, &t.header); err != nil {
		return t, err
	}
	if t.snapshot() < 1 {
		return t, errors.New("timestamp names no snapshot")
	}
	return t, nil
}

func parse(data []byte, kind string, into any, h *header) error {
	doc := struct {
		Signed any `json:"signed"`
	}{into}
	if err := json.Unmarshal(data, &doc); err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	if h.Type != kind || h.Version < 1 {
		return fmt.Errorf("is not a %s", kind)
	}
	return nil
}

// role reads targets or a delegated role, and the releases in it.
func (inv *Inventory) role(ctx context.Context, file string, version int64) error {
	role, ok := strings.CutSuffix(file, ".json")
	if !ok || !roleName.MatchString(role) || version < 1 {
		return fmt.Errorf("snapshot names %.80q with version %d", file, version)
	}
	name := versioned(version, role)
	data, err := inv.fetch(ctx, name)
	if err != nil {
		return err
	}
	var t targets
	if err := parse(data, "targets", &t, &t.header); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for target, f := range t.Targets {
		if f.Length == 0 {
			continue // a rollout or a floor, which have no file
		}
		r, err := release.Decode(target, f.Length, f.Hashes.SHA256, f.Custom)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		inv.Releases = append(inv.Releases, r)
	}
	if app, ok := strings.CutSuffix(role, "-releases"); ok {
		inv.Apps = append(inv.Apps, app)
	}
	inv.Documents = append(inv.Documents, Document{name, data})
	inv.Roles = append(inv.Roles, Role{role, t.Version, t.Expires})
	return nil
}

func (inv *Inventory) roots(ctx context.Context) error {
	for n := int64(1); n <= maxRoots; n++ {
		data, err := inv.fetch(ctx, rootName(n))
		if n > 1 && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		var h header
		if err := parse(data, "root", &h, &h); err != nil {
			return fmt.Errorf("%s: %w", rootName(n), err)
		}
		inv.Documents = append(inv.Documents, Document{rootName(n), data})
		if n > 1 {
			inv.Roles = inv.Roles[1:]
		}
		inv.Roles = slices.Insert(inv.Roles, 0, Role{"root", h.Version, h.Expires})
	}
	return fmt.Errorf("it has more than %d roots", maxRoots)
}

// root is the first one, by which feeds are told apart.
func (inv *Inventory) root() []byte {
	for _, d := range inv.Documents {
		if d.Name == rootName(1) {
			return d.Data
		}
	}
	return nil
}

// Document finds a document of a role, e.g. "notes-releases"; nil where there
// is none.
func (inv *Inventory) Document(role string) []byte {
	for _, r := range inv.Roles {
		for _, d := range inv.Documents {
			if r.Name == role && d.Name == versioned(r.Version, role) {
				return bytes.Clone(d.Data)
			}
		}
	}
	return nil
}
