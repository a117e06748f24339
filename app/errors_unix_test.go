//go:build unix

package app

import (
	"strings"
	"syscall"
	"testing"

	"github.com/tesseract-desktop/tesseract/app/sandbox"
)

func TestFullDiskHasItsCode(t *testing.T) {
	err := pageError(&sandbox.FolderError{Folder: sandbox.Documents, Path: "/p", Err: syscall.ENOSPC})
	if !strings.HasPrefix(err.Error(), "disk-full: ") || !strings.Contains(err.Error(), "free some space") {
		t.Errorf("a full disk is %v", err)
	}
}
