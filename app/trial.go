package app

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/tesseract-desktop/tesseract/app/sandbox"
	"github.com/tesseract-desktop/tesseract/app/snapshot"
)

// runTrial proves that this program loads: that the system finds its libraries (or this line would not run), that its page and its trust root
// are whole, and that it can read the state that the running version has recorded. It needs no display and writes nothing but its report.
func runTrial(page fs.FS, box *sandbox.Sandbox, out io.Writer) error {
	b, err := parseBuild()
	if err != nil {
		return err
	}
	if _, err := fs.Stat(page, "index.html"); err != nil {
		return fmt.Errorf("the page is not in this build: %w", err)
	}
	payload, err := newestSnapshot(box)
	if err != nil {
		return err
	}
	if err := readable(page, payload); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(struct {
		Version string `json:"version"`
		OK      bool   `json:"ok"`
	}{b.version.String(), true})
}

// newestSnapshot is the newest recorded state of the window that this version may read, nil where there is none.
func newestSnapshot(box *sandbox.Sandbox) ([]byte, error) {
	store, err := snapshot.Open(box.Snapshots(), snapshotSchema)
	if err != nil {
		return nil, err
	}
	_, payload, _, err := store.Newest(snapshotSchema)
	return payload, err
}

// fieldVersions is the page's file that names each field of its state with the version that it reads, and migrates every older one to.
const fieldVersions = "fields.json"

// readable tells whether the page can read every field of a recorded state. Field by field it is the page that restores, migrates and compares,
// while the running version waits; what would be lost for certain is found here, before anything is changed.
func readable(page fs.FS, payload []byte) error {
	if payload == nil {
		return nil
	}
	data, err := fs.ReadFile(page, fieldVersions)
	if err != nil {
		return fmt.Errorf("the page's list of fields is not in this build: %w", err)
	}
	var known map[string]int
	if err := json.Unmarshal(data, &known); err != nil {
		return fmt.Errorf("the page's list of fields: %w", err)
	}
	var recorded struct {
		Format int `json:"format"`
		Fields map[string]struct {
			Version int                        `json:"v"`
			Older   map[string]json.RawMessage `json:"o"`
		} `json:"fields"`
	}
	if err := json.Unmarshal(payload, &recorded); err != nil {
		return fmt.Errorf("the recorded state cannot be read: %w", err)
	}
	if recorded.Format != 1 {
		return fmt.Errorf("the recorded state has format %d, and only 1 is known here", recorded.Format)
	}
	var lost []string
	for key, field := range recorded.Fields {
		version, ours := known[key]
		if _, left := field.Older[strconv.Itoa(version)]; ours && field.Version > version && !left {
			lost = append(lost, fmt.Sprintf("%s (recorded as version %d, read up to %d)", key, field.Version, version))
		}
	}
	if len(lost) > 0 {
		slices.Sort(lost)
		return fmt.Errorf("it would lose %s", strings.Join(lost, ", "))
	}
	return nil
}
