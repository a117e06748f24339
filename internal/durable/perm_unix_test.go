//go:build unix

package durable_test

import (
	"io/fs"
	"os"
	"testing"
)

func checkPerm(t *testing.T, root *os.Root, name string, want fs.FileMode) {
	t.Helper()
	info, err := root.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s has mode %v, want %v", name, got, want)
	}
}
