package app

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
)

// runTrial proves that this program loads: that the system finds its libraries (or this line would not run), that its page and its trust root
// are whole. It needs no display and writes nothing but its report.
func runTrial(page fs.FS, out io.Writer) error {
	b, err := parseBuild()
	if err != nil {
		return err
	}
	if _, err := fs.Stat(page, "index.html"); err != nil {
		return fmt.Errorf("the page is not in this build: %w", err)
	}
	return json.NewEncoder(out).Encode(struct {
		Version string `json:"version"`
		OK      bool   `json:"ok"`
	}{b.version.String(), true})
}
