package release

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// schema is raised only when a client that knows the older ones would do harm.
const schema = 1

// ErrSchema means that a document was written for newer clients than this one.
var ErrSchema = errors.New("release was written for a newer client")

// document is a target's custom field. App, channel, platform and version are
// not in it: they are the target's name, so that they cannot disagree with it.
type document struct {
	Schema    int       `json:"schema"`
	Full      full      `json:"full"`
	Patches   []patch   `json:"patches,omitempty"`
	Notes     string    `json:"notes,omitempty"`
	Published time.Time `json:"published"`
	Critical  bool      `json:"critical,omitempty"`
	Deadline  int       `json:"deadline,omitempty"` // hours
}

type blob struct {
	Path   string `json:"path"`
	Length int64  `json:"length"`
	SHA256 Digest `json:"sha256"`
}

type full struct {
	blob
	Segments Segments `json:"segments,omitempty"`
}

type patch struct {
	From  Digest `json:"from"`
	Codec string `json:"codec"`
	blob
}

// Encode checks r and writes its custom field. Length and SHA-256 of the
// artifact and the target's name are the caller's to put beside it.
func Encode(r Release) (json.RawMessage, error) {
	r.Published = r.Published.UTC().Truncate(time.Second)
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("encode release %s: %w", clip(r.TargetPath()), err)
	}
	d := document{Schema: schema, Full: full{blob(r.Full), r.Segments}, Notes: r.Notes, Published: r.Published,
		Critical: r.Critical, Deadline: r.Deadline}
	for _, p := range r.Patches {
		d.Patches = append(d.Patches, patch{From: p.From, Codec: p.Codec, blob: blob(p.Blob)})
	}
	custom, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encode release %s: %w", r.TargetPath(), err)
	}
	if len(custom) > MaxCustom {
		return nil, fmt.Errorf("encode release %s: %d bytes, at most %d", r.TargetPath(), len(custom), MaxCustom)
	}
	return custom, nil
}

// Decode reads a signed target back into a Release: its name, length, SHA-256
// and custom field. It refuses whatever Encode could not have written, save
// unknown fields; a document of a newer schema is ErrSchema.
func Decode(targetPath string, length int64, sha256 Digest, custom []byte) (Release, error) {
	r, err := decode(targetPath, length, sha256, custom)
	if err != nil {
		return Release{}, fmt.Errorf("decode release %s: %w", clip(targetPath), err)
	}
	return r, nil
}

func decode(targetPath string, length int64, sha256 Digest, custom []byte) (Release, error) {
	r, err := parseTarget(targetPath)
	if err != nil {
		return Release{}, err
	}
	var d document
	if err := unmarshal(custom, MaxCustom, &d); err != nil {
		return Release{}, err
	}
	r.Length, r.SHA256 = length, sha256
	r.Full, r.Segments, r.Notes = Blob(d.Full.blob), d.Full.Segments, d.Notes
	r.Published = d.Published.UTC().Truncate(time.Second)
	r.Critical, r.Deadline = d.Critical, d.Deadline
	for _, p := range d.Patches {
		r.Patches = append(r.Patches, Patch{From: p.From, Codec: p.Codec, Blob: Blob(p.blob)})
	}
	if err := r.check(); err != nil {
		return Release{}, err
	}
	return r, nil
}

func parseTarget(target string) (Release, error) {
	parts := strings.SplitN(target, "/", 5)
	if len(parts) != 4 {
		return Release{}, errors.New("target name must be <app>/<channel>/<os>-<arch>/<version>")
	}
	if err := CheckApp(parts[0]); err != nil {
		return Release{}, err
	}
	channel, err := ParseChannel(parts[1])
	if err != nil {
		return Release{}, err
	}
	platform, err := ParsePlatform(parts[2])
	if err != nil {
		return Release{}, err
	}
	version, err := ParseVersion(parts[3])
	if err != nil {
		return Release{}, err
	}
	return Release{App: parts[0], Channel: channel, Platform: platform, Version: version}, nil
}

// unmarshal reads a custom field of the schema that this client knows.
func unmarshal(custom []byte, limit int, into any) error {
	if len(bytes.TrimSpace(custom)) == 0 {
		return errors.New("custom field is missing")
	}
	if len(custom) > limit {
		return fmt.Errorf("custom field of %d bytes: at most %d", len(custom), limit)
	}
	var version struct {
		Schema int `json:"schema"`
	}
	if err := json.Unmarshal(custom, &version); err != nil {
		return fmt.Errorf("custom field: %w", err)
	}
	if version.Schema > schema {
		return fmt.Errorf("schema %d, this client knows %d: %w", version.Schema, schema, ErrSchema)
	}
	if version.Schema != schema {
		return fmt.Errorf("schema %d does not exist", version.Schema)
	}
	if err := json.Unmarshal(custom, into); err != nil {
		return fmt.Errorf("custom field: %w", err)
	}
	return nil
}
