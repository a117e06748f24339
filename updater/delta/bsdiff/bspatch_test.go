package bsdiff

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// run runs one of the original programs in a folder, or skips the test where it is not installed.
func run(t *testing.T, dir, program string, files ...string) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skip("needs Debian's package bsdiff: " + err.Error())
	}
	cmd := exec.Command(path, files...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", program, err, out)
	}
}

func save(t *testing.T, dir, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func saved(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The format is that of bsdiff 4.3, both ways.
func TestTheOriginalPrograms(t *testing.T) {
	large, largeAfter := sample(300_000)
	same, _ := sample(5000)
	for name, c := range map[string]struct{ before, after []byte }{
		"large":        {large, largeAfter},
		"the same":     {same, same},
		"unrelated":    {bytes.Repeat([]byte("abc"), 900), same},
		"from nothing": {nil, same},
		"to nothing":   {same, nil},
		"one byte":     {[]byte{1}, []byte{2}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			save(t, dir, "old", c.before)
			save(t, dir, "new", c.after)
			var ours bytes.Buffer
			if err := (Codec{}).Diff(t.Context(), section(c.before), section(c.after), &ours); err != nil {
				t.Fatal(err)
			}
			save(t, dir, "ours", ours.Bytes())
			run(t, dir, "bspatch", "old", "theirs.new", "ours")
			if !bytes.Equal(saved(t, dir, "theirs.new"), c.after) {
				t.Error("bspatch makes something else of our patch")
			}
			if len(c.before) == 0 || len(c.after) == 0 {
				return // Debian's bsdiff cannot map an empty file
			}
			run(t, dir, "bsdiff", "old", "new", "theirs")
			theirs := saved(t, dir, "theirs")
			var out bytes.Buffer
			err := Codec{}.Apply(t.Context(), section(c.before), bytes.NewReader(theirs), int64(len(c.after)), &out)
			if err != nil || !bytes.Equal(out.Bytes(), c.after) {
				t.Errorf("we make something else of bsdiff's patch: %v", err)
			}
			if size, ok := (Codec{}).Inspect(theirs); !ok || size != int64(len(c.after)) {
				t.Errorf("its size is %d, %v", size, ok)
			}
		})
	}
}
