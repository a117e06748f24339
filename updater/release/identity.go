package release

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"runtime"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Version is a semantic version such as 1.4.0 or 2.0.0-beta.3. The zero value
// is no version; it is older than every other. Build metadata is not allowed,
// because it has no order. Versions can be compared with ==.
type Version struct {
	v   semver.Version
	set bool
}

// ParseVersion reads major.minor.patch with an optional pre-release part. It
// takes no leading "v", no missing parts and no build metadata.
func ParseVersion(s string) (Version, error) {
	if len(s) > MaxVersion {
		return Version{}, fmt.Errorf("version %q: at most %d characters", clip(s), MaxVersion)
	}
	v, err := semver.StrictNewVersion(s)
	if err != nil {
		return Version{}, fmt.Errorf("version %q: %w (write it like 1.4.0 or 2.0.0-beta.3)", s, err)
	}
	if v.Metadata() != "" {
		return Version{}, fmt.Errorf("version %q: build metadata after + has no order, leave it out", s)
	}
	return Version{v: *v, set: true}, nil
}

// IsZero tells whether v is no version at all.
func (v Version) IsZero() bool { return !v.set }

// Prerelease is the part after the hyphen, empty where there is none.
func (v Version) Prerelease() string { return v.v.Prerelease() }

// Compare is negative when v is older than o, zero when they are the same, and
// positive when v is newer, by the rules of semver.
func (v Version) Compare(o Version) int {
	switch {
	case v.set && o.set:
		return v.v.Compare(&o.v)
	case v.set:
		return 1
	case o.set:
		return -1
	}
	return 0
}

// String is the text that ParseVersion reads; empty for the zero value.
func (v Version) String() string {
	if !v.set {
		return ""
	}
	return v.v.String()
}

// MarshalText implements encoding.TextMarshaler.
func (v Version) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; empty text is the zero value.
func (v *Version) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*v = Version{}
		return nil
	}
	parsed, err := ParseVersion(string(text))
	if err != nil {
		return err
	}
	*v = parsed
	return nil
}

// Channel is how early a user gets a release.
type Channel string

// The channels, from the most to the least stable.
const (
	Stable  Channel = "stable"
	Beta    Channel = "beta"
	Nightly Channel = "nightly"
)

// Channels lists all channels, the most stable first.
func Channels() []Channel { return []Channel{Stable, Beta, Nightly} }

// ParseChannel reads a channel's name.
func ParseChannel(s string) (Channel, error) {
	c := Channel(s)
	if c.rank() < 0 {
		return "", fmt.Errorf("channel %q: use stable, beta or nightly", clip(s))
	}
	return c, nil
}

// Accepts tells whether somebody on channel c is offered releases of channel
// other: each channel also takes everything that is more stable than itself.
func (c Channel) Accepts(other Channel) bool {
	return other.rank() >= 0 && other.rank() <= c.rank()
}

func (c Channel) rank() int {
	switch c {
	case Stable:
		return 0
	case Beta:
		return 1
	case Nightly:
		return 2
	}
	return -1
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Channel) UnmarshalText(text []byte) error {
	parsed, err := ParseChannel(string(text))
	if err != nil {
		return err
	}
	*c = parsed
	return nil
}

// Platform is an operating system and a processor, in Go's words.
type Platform struct{ OS, Arch string }

var platform = regexp.MustCompile(`^[a-z][a-z0-9]{1,15}-[a-z0-9][a-z0-9_]{1,15}$`)

// ParsePlatform reads "linux-amd64".
func ParsePlatform(s string) (Platform, error) {
	if !platform.MatchString(s) {
		return Platform{}, fmt.Errorf("platform %q: write it like linux-amd64 or darwin-arm64", clip(s))
	}
	os, arch, _ := strings.Cut(s, "-")
	return Platform{OS: os, Arch: arch}, nil
}

// Current is the platform that this program was built for.
func Current() Platform { return Platform{OS: runtime.GOOS, Arch: runtime.GOARCH} }

// String is the text that ParsePlatform reads.
func (p Platform) String() string { return p.OS + "-" + p.Arch }

// MarshalText implements encoding.TextMarshaler.
func (p Platform) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Platform) UnmarshalText(text []byte) error {
	parsed, err := ParsePlatform(string(text))
	if err != nil {
		return err
	}
	*p = parsed
	return nil
}

// Digest is a SHA-256. Its text is 64 lower-case hexadecimal digits.
type Digest [32]byte

// ParseDigest reads 64 lower-case hexadecimal digits.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	if len(s) != 2*len(d) || strings.ToLower(s) != s {
		return Digest{}, fmt.Errorf("SHA-256 %q: must be 64 lower-case hexadecimal digits", clip(s))
	}
	if _, err := hex.Decode(d[:], []byte(s)); err != nil {
		return Digest{}, fmt.Errorf("SHA-256 %q: %w", s, err)
	}
	return d, nil
}

// String is the text that ParseDigest reads.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText implements encoding.TextMarshaler.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Digest) UnmarshalText(text []byte) error {
	parsed, err := ParseDigest(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}
