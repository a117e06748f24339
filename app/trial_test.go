package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tesseract-desktop/tesseract/app/sandbox"
	"github.com/tesseract-desktop/tesseract/app/snapshot"
)

func TestReadable(t *testing.T) {
	page := fstest.MapFS{fieldVersions: {Data: []byte(`{"tabs": 2, "zoom": 1}`)}}
	for _, c := range []struct{ name, recorded, wrong string }{
		{"the same versions", `{"format":1,"fields":{"tabs":{"v":2,"d":[]},"zoom":{"v":1,"d":1}}}`, ""},
		{"an older one is migrated", `{"format":1,"fields":{"tabs":{"v":1,"d":[]}}}`, ""},
		{"a newer one left the older form", `{"format":1,"fields":{"tabs":{"v":4,"d":{},"o":{"3":{},"2":[]}}}}`, ""},
		{"a newer one did not", `{"format":1,"fields":{"zoom":{"v":2,"d":{}},"tabs":{"v":4,"d":{},"o":{"3":{}}}}}`,
			"it would lose tabs (recorded as version 4, read up to 2), zoom (recorded as version 2, read up to 1)"},
		{"an unknown field is carried along", `{"format":1,"fields":{"marks":{"v":9,"d":{}}}}`, ""},
		{"another format", `{"format":2,"fields":{}}`, "format 2"},
		{"no snapshot at all", `{`, "cannot be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := readable(page, []byte(c.recorded))
			if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%v, want %q", err, c.wrong)
			}
		})
	}
	if err := readable(page, nil); err != nil {
		t.Errorf("nothing recorded: %v", err)
	}
}

func TestTrialReadsWhatIsRecordedAndWritesNothing(t *testing.T) {
	base := t.TempDir()
	box := func(readOnly bool) *sandbox.Sandbox {
		s, err := sandbox.Open(sandbox.Options{App: "App", Base: base, ReadOnly: readOnly})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if payload, err := newestSnapshot(box(true)); err != nil || payload != nil {
		t.Fatalf("before the first start: %q, %v", payload, err)
	}
	if made, err := os.ReadDir(base); err != nil || len(made) > 0 {
		t.Fatalf("the trial made %v, %v", made, err)
	}
	store, err := snapshot.Open(box(false).Snapshots(), snapshotSchema)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Append([]byte("state")); err != nil {
		t.Fatal(err)
	}
	before, _ := filepath.Glob(filepath.Join(base, "*", "*"))
	if payload, err := newestSnapshot(box(true)); err != nil || string(payload) != "state" {
		t.Errorf("%q, %v", payload, err)
	}
	if after, _ := filepath.Glob(filepath.Join(base, "*", "*")); len(after) != len(before) {
		t.Errorf("before the trial %v, after it %v", before, after)
	}
}
