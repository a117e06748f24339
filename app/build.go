package app

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/tesseract-desktop/tesseract/updater/release"
)

// Set by the linker: see LDFLAGS in the Makefile.
var (
	// Version is this build's semantic version.
	Version = "0.0.0-dev"
	// TrustRoot is the feed's trust root, root.json in base64. Without it nothing can be verified, and updates are off.
	TrustRoot = ""
	// FeedURL is where updates come from. The environment variable TESSERACT_FEED takes its place, but not that of the trust root.
	FeedURL = ""
)

const (
	// Name is the app's name for people and for its folders.
	Name = "Tesseract"
	// feedName is the app's name in the feed.
	feedName = "tesseract"
	// feedVariable names the environment variable that takes FeedURL's place.
	feedVariable = "TESSERACT_FEED"
	// snapshotSchema is the version of the UI's recorded state that this build writes. It changes when a field is added, dropped or migrated.
	snapshotSchema = 1
)

// beside is the address of an endpoint beside a feed as a Version Management Centre serves it. Elsewhere a feed is files alone, and there is none.
func beside(feed, endpoint string) string {
	origin, found := strings.CutSuffix(strings.TrimSuffix(feed, "/"), "/feed")
	if !found {
		return ""
	}
	return origin + endpoint
}

// build is what the linker's strings mean.
type build struct {
	version release.Version
	root    []byte
}

func parseBuild() (build, error) {
	version, err := release.ParseVersion(Version)
	if err != nil {
		return build{}, fmt.Errorf("this build names its version %q: %w", Version, err)
	}
	root, err := base64.StdEncoding.DecodeString(TrustRoot)
	if err != nil {
		return build{}, fmt.Errorf("this build's trust root is not base64: %w", err)
	}
	return build{version: version, root: root}, nil
}
