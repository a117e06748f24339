package publish

import (
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/tesseract-desktop/tesseract/updater/release"
)

// An artifact that is published on one channel can be published on another one.
// Blobs are named by artifact, so both releases share them: their bytes are
// signed already, and another compressor's or codec's would break the release
// that is out.

// keepsFull refuses a full artifact that is not the published one.
func (w *work) keepsFull(made release.Blob) error {
	for _, r := range w.published {
		if r.Full.Path == made.Path && r.Full != made {
			return w.taken(r, made.Path)
		}
	}
	return nil
}

// keepsPatch refuses a patch that is not the published one.
func (w *work) keepsPatch(base release.Release, codec string) func(release.Blob) error {
	return func(made release.Blob) error {
		for _, r := range w.published {
			for _, p := range r.Patches {
				if p.From == base.SHA256 && p.Codec == codec && p.Blob != made {
					return w.taken(r, made.Path)
				}
			}
		}
		return nil
	}
}

func (w *work) taken(r release.Release, path string) error {
	return fmt.Errorf("%s %s is published on %s with other bytes for %s, which are missing or damaged here; bring that file back from where the feed is served",
		r.App, r.Version, r.Channel, path)
}

// publishedPatch finds a patch from base that another release has, and that is
// whole in the feed. It was proven when it was signed.
func (w *work) publishedPatch(base release.Release) (*release.Patch, bool) {
	for _, r := range w.published {
		for _, p := range r.Patches {
			if p.From == base.SHA256 && w.bring(p.Blob) == nil && w.whole(p.Blob) {
				return &p, true
			}
		}
	}
	return nil, false
}

func (w *work) whole(b release.Blob) bool {
	f, err := w.Feed.Open(b.Path)
	if err != nil {
		return false
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(&counter{w: sum, ctx: w.ctx}, io.LimitReader(f, b.Length+1))
	return err == nil && n == b.Length && release.Digest(sum.Sum(nil)) == b.SHA256
}
