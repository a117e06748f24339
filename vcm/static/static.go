// Package static hands out a feed's files over HTTP, and nothing else.
//
// Parties. Clients and caches between them ask; a publisher changes the folder
// at the same time.
//
// Trust. Requests are hostile. No path leaves the folder, which is held as an
// os.Root; folders are not listed, and hidden files, among them those that are
// still being written, do not exist.
//
// Guarantees. What is named by version or content is served as immutable, with
// byte ranges and a strong validator, so that downloads can be resumed and
// cached for ever; timestamp.json, and the absence of anything, must be asked
// for anew each time. The package keeps no state; a crash leaves nothing.
package static

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm"
)

// Handler serves the feed whose folder is feed. Its paths start at the feed's
// root; use http.StripPrefix where it is mounted elsewhere.
func Handler(feed *os.Root) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-cache")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "a feed can only be read", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(r.URL.Path, "/")
		if release.CheckPath(name) != nil {
			http.NotFound(w, r)
			return
		}
		serve(w, r, feed, name)
	})
}

func serve(w http.ResponseWriter, r *http.Request, feed *os.Root, name string) {
	f, err := feed.Open(name)
	if err != nil {
		fail(w, r, err)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		fail(w, r, err)
		return
	}
	if !info.Mode().IsRegular() {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", vcm.ContentType(name))
	h.Set("Cache-Control", vcm.CacheControl(name))
	// Files are replaced as a whole and never written in place, so size and time
	// tell one content from another.
	h.Set("ETag", fmt.Sprintf(`"%x-%x"`, info.Size(), info.ModTime().UnixNano()))
	http.ServeContent(w, r, "", info.ModTime(), f)
}

// fail tells what is not there from what cannot be read now: a client takes the
// former for the end of the chain of roots.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		http.NotFound(w, r)
		return
	}
	http.Error(w, "the file cannot be read at present", http.StatusServiceUnavailable)
}
