package fetch_test

import (
	"errors"
	"net/http"
	"os"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/fetch"
)

// Every write to /dev/full fails as on a full disk.
func TestDiskFull(t *testing.T) {
	c := newCall(t)
	if err := os.Symlink("/dev/full", c.path+".part"); err != nil {
		t.Fatal(err)
	}
	url := c.server(func(_ int, w http.ResponseWriter, r *http.Request) { served(w, r) })
	if err := c.fetch(t.Context(), url, nil); !errors.Is(err, fetch.ErrDiskFull) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Lstat(c.path + ".part"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the part that fills the disk is still there: %v", err)
	}
	if n := len(c.requests()); n != 1 {
		t.Errorf("%d requests: a full disk does not empty itself", n)
	}
}
