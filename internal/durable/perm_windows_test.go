package durable_test

import (
	"io/fs"
	"os"
	"testing"
)

// Windows keeps one permission bit of the nine.
func checkPerm(t *testing.T, root *os.Root, name string, want fs.FileMode) {
	t.Helper()
	info, err := root.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm() & 0o200; got != want&0o200 {
		t.Errorf("%s has mode %v, want %v", name, info.Mode(), want)
	}
}
