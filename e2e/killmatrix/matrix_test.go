//go:build e2e && linux && amd64

package killmatrix_test

import (
	"os"
	"testing"

	"github.com/tesseract-desktop/tesseract/e2e/killmatrix"
)

// A thin slice of what `make kill-matrix` goes through: all scenarios with all their points recorded, and every 97th of them tormented.
func TestKillMatrix(t *testing.T) {
	dir, err := killmatrix.Folder()
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	result, err := killmatrix.Run(killmatrix.Options{Dir: dir, Every: 97, Out: t.Output(), Verbose: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := result.Err(); err != nil || result.Runs < 50 {
		t.Errorf("%d runs: %v", result.Runs, err)
	}
}
