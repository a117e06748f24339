// Package release says what a release is: the words that the publisher and
// every client share, and the only place where the two meet.
//
// Parties. A publisher turns a [Release] into a TUF target: its name is
// [Release.TargetPath], its length and SHA-256 are those of the artifact, and
// everything else travels in the target's custom field, made by [Encode]. A
// server says with a [Rollout] who gets which release. A client takes all of it
// apart again and asks the [Catalogue] what is for it.
//
// Trust. The bytes given to Decode carry a valid signature, yet they are
// checked as if they had none: a stolen release key must not become a way to
// write outside of a folder or to exhaust memory. Full artifacts and patches
// are named with length and SHA-256, so a download can be proven by itself; a
// patch's result is proven by the length and SHA-256 of the artifact.
//
// Guarantees. The package is pure: bytes in, values out, no files, no network,
// no clock. What Decode accepts, Encode writes again unchanged. A crash leaves
// nothing behind, since nothing here is kept.
//
// Compatibility. Unknown fields are ignored, so that old clients read newer
// feeds; a document that old clients must not read gets a higher schema.
package release

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits, in bytes where not said otherwise. A release that exceeds one is
// refused by Encode and by Decode alike.
const (
	MaxArtifact = 1 << 30   // an artifact, and each file in the feed
	MaxNotes    = 16 << 10  // release notes
	MaxCustom   = 128 << 10 // a target's custom field
	MaxPatches  = 64        // patches of one release
	MaxPath     = 255       // a relative path in the feed
	MaxVersion  = 64        // a version's text
	MaxName     = 40        // an app's name
	MaxDeadline = 720       // hours of a critical release's deadline
)

// DefaultDeadline is the deadline, in hours, of a critical release that names
// none.
const DefaultDeadline = 24

// Blob is one file in the feed.
type Blob struct {
	Path   string // relative to the feed's root, with forward slashes
	Length int64  // of the file as served
	SHA256 Digest // of the file as served
}

// Patch is a delta that turns one older artifact into the release's artifact.
type Patch struct {
	From  Digest // SHA-256 of the old artifact
	Codec string // the name of the codec that made it, e.g. "bsdiff"
	Blob
}

// Release is one version of an app for one platform on one channel.
type Release struct {
	App       string
	Version   Version
	Channel   Channel
	Platform  Platform
	Length    int64     // of the artifact, uncompressed
	SHA256    Digest    // of the artifact, uncompressed
	Full      Blob      // the artifact, zstd-compressed
	Segments  Segments  // of Full; empty: not listed
	Patches   []Patch   // in the publisher's order
	Notes     string    // Markdown, may be empty
	Published time.Time // UTC, whole seconds
	// Critical says that staying with the version before is dangerous: what the
	// user put off or skipped is offered all the same. Deadline is for how many
	// hours it may lie ready and unused before the user is told of a restart; 0:
	// DefaultDeadline.
	Critical bool
	Deadline int
}

var (
	appName   = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	codecName = regexp.MustCompile(`^[a-z][a-z0-9]{0,15}$`)
	pathPart  = regexp.MustCompile(`^[a-z0-9_][A-Za-z0-9._+-]*$`)
)

// CheckApp tells whether name can be an app's name: lower-case letters, digits
// and single hyphens, starting with a letter, at most MaxName long.
func CheckApp(name string) error {
	if len(name) > MaxName || !appName.MatchString(name) {
		return fmt.Errorf("app name %q: use lower-case letters, digits and single hyphens, at most %d", clip(name), MaxName)
	}
	return nil
}

// Role is the name of the TUF role that signs the releases of app.
func Role(app string) string { return app + "-releases" }

// TargetPath is the release's TUF target name:
// "<app>/<channel>/<os>-<arch>/<version>".
func (r Release) TargetPath() string {
	return r.App + "/" + string(r.Channel) + "/" + r.Platform.String() + "/" + r.Version.String()
}

// ArtifactPath is where the feed keeps the zstd-compressed artifact that has
// this SHA-256 when uncompressed.
func ArtifactPath(artifact Digest) string { return "artifacts/" + artifact.String() + ".zst" }

// PatchPath is where the feed keeps the patch between two artifacts, both named
// by their SHA-256.
func PatchPath(from, to Digest, codec string) string {
	return "patches/" + from.String() + "/" + to.String() + "." + codec
}

func (r Release) check() error {
	if err := CheckApp(r.App); err != nil {
		return err
	}
	if r.Version.IsZero() {
		return fmt.Errorf("version is missing")
	}
	if _, err := ParseChannel(string(r.Channel)); err != nil {
		return err
	}
	if _, err := ParsePlatform(r.Platform.String()); err != nil {
		return err
	}
	if r.Length <= 0 || r.Length > MaxArtifact {
		return fmt.Errorf("artifact of %d bytes: must be 1 to %d", r.Length, int64(MaxArtifact))
	}
	if r.SHA256 == (Digest{}) {
		return fmt.Errorf("artifact has no SHA-256")
	}
	if err := r.Full.check(); err != nil {
		return fmt.Errorf("full artifact: %w", err)
	}
	if err := r.Segments.check(r.Full.Length); err != nil {
		return fmt.Errorf("full artifact: %w", err)
	}
	if len(r.Notes) > MaxNotes {
		return fmt.Errorf("notes of %d bytes: at most %d", len(r.Notes), MaxNotes)
	}
	if !utf8.ValidString(r.Notes) {
		return fmt.Errorf("notes are not UTF-8")
	}
	if r.Published.IsZero() || r.Published.Year() > 9999 {
		return fmt.Errorf("time of publication is missing or out of range")
	}
	if r.Deadline < 0 || r.Deadline > MaxDeadline || r.Deadline > 0 && !r.Critical {
		return fmt.Errorf("deadline of %d hours: must be 0 to %d, and 0 where the release is not critical", r.Deadline, MaxDeadline)
	}
	return r.checkPatches()
}

func (r Release) checkPatches() error {
	if len(r.Patches) > MaxPatches {
		return fmt.Errorf("%d patches: at most %d", len(r.Patches), MaxPatches)
	}
	type edge struct {
		from  Digest
		codec string
	}
	seen := make(map[edge]bool, len(r.Patches))
	for i, p := range r.Patches {
		if !codecName.MatchString(p.Codec) {
			return fmt.Errorf("patch %d: codec %q is not a codec's name", i, clip(p.Codec))
		}
		if p.From == (Digest{}) || p.From == r.SHA256 {
			return fmt.Errorf("patch %d: must start at another artifact", i)
		}
		if seen[edge{p.From, p.Codec}] {
			return fmt.Errorf("patch %d: a second %s patch from %s", i, p.Codec, p.From)
		}
		seen[edge{p.From, p.Codec}] = true
		if err := p.Blob.check(); err != nil {
			return fmt.Errorf("patch %d: %w", i, err)
		}
	}
	return nil
}

func (b Blob) check() error {
	if err := CheckPath(b.Path); err != nil {
		return err
	}
	if b.Length <= 0 || b.Length > MaxArtifact {
		return fmt.Errorf("%s: length %d must be 1 to %d", b.Path, b.Length, int64(MaxArtifact))
	}
	if b.SHA256 == (Digest{}) {
		return fmt.Errorf("%s has no SHA-256", b.Path)
	}
	return nil
}

// CheckPath tells whether p is a plain relative path inside a feed: forward
// slashes, no empty, hidden or dot segments, and only characters that mean the
// same in a URL and in a file name on every system.
func CheckPath(p string) error {
	if p == "" || len(p) > MaxPath {
		return fmt.Errorf("feed path of %d bytes: must be 1 to %d", len(p), MaxPath)
	}
	for part := range strings.SplitSeq(p, "/") {
		if !pathPart.MatchString(part) || strings.HasSuffix(part, ".") {
			return fmt.Errorf("feed path %q: segment %q is not allowed", p, part)
		}
	}
	return nil
}

// clip keeps hostile input from flooding an error message.
func clip(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
