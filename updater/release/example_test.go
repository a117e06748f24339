package release_test

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/release"
)

func Example() {
	version, _ := release.ParseVersion("1.1.0")
	installed, _ := release.ParseVersion("1.0.0")
	linux := release.Platform{OS: "linux", Arch: "amd64"}
	artifact := []byte("the program")
	sum := release.Digest(sha256.Sum256(artifact))

	published := release.Release{
		App: "notes", Version: version, Channel: release.Stable, Platform: linux,
		Length: int64(len(artifact)), SHA256: sum,
		Full:      release.Blob{Path: release.ArtifactPath(sum), Length: 20, SHA256: release.Digest{1}},
		Published: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC),
	}
	custom, err := release.Encode(published)
	if err != nil {
		fmt.Println(err)
		return
	}

	read, err := release.Decode(published.TargetPath(), published.Length, published.SHA256, custom)
	if err != nil {
		fmt.Println(err)
		return
	}
	catalogue := release.Catalogue{Releases: []release.Release{read}}
	offer, ok := catalogue.Offer(release.Client{Channel: release.Beta, Platform: linux, Current: installed})
	fmt.Println(offer.TargetPath(), ok)
	// Output: notes/stable/linux-amd64/1.1.0 true
}
