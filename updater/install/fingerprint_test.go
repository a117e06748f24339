package install

import (
	"os"
	"testing"
)

func TestFingerprints(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	put := func(name, content string) {
		if err := os.WriteFile(dir+"/"+name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	recognise := func(f fingerprints, name string) Artifact {
		t.Helper()
		got, err := f.recognise(root, name)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	put("one", "the old version")
	put("two", "the new version")
	known := fingerprints{}
	one, err := known.take(root, "one")
	if err != nil {
		t.Fatal(err)
	}
	if want, err := measure(root, "one"); err != nil || one != want {
		t.Fatalf("took %v, measured %v: %v", one, want, err)
	}
	if got := recognise(known, "one"); got != one {
		t.Errorf("recognised %v as %v", one, got)
	}
	two, err := measure(root, "two")
	if err != nil {
		t.Fatal(err)
	}
	if got := recognise(known, "two"); got != two {
		t.Errorf("a file that is not known is %v, want %v", got, two)
	}
	put("one", "the old versioN")
	if got := recognise(known, "one"); got == one || got.Length != one.Length {
		t.Errorf("a changed file passed for the known one: %v", got)
	}

	// What is found by its fingerprint is not hashed with SHA-256 again: a wrong entry shows.
	known[two.SHA256] = known[one.SHA256]
	delete(known, one.SHA256)
	put("one", "the old version")
	if got := recognise(known, "one"); got.SHA256 != two.SHA256 {
		t.Errorf("the fingerprint was not used: %v", got)
	}
	if kept := known.of(&pair{Old: one, New: two}, nil); len(kept) != 1 {
		t.Errorf("kept %v", kept)
	}
	if kept := known.of(); len(kept) != 0 {
		t.Errorf("kept %v of nothing", kept)
	}
	for _, name := range []string{"missing", "."} {
		if _, err := known.recognise(root, name); err == nil {
			t.Errorf("recognised %q", name)
		}
	}
}
