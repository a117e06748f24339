package sandbox

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/adrg/xdg"
)

// RuntimeDir makes and returns the app's folder for sockets and locks, 0700, whose path is short and whose content does not outlive the user's
// session. Where the system offers no such folder, one in the folder for temporary files takes its place.
func RuntimeDir(app string) (string, error) {
	dir := filepath.Join(xdg.RuntimeDir, app)
	if err := os.MkdirAll(dir, 0o700); err == nil {
		return dir, nil
	}
	dir = filepath.Join(os.TempDir(), fmt.Sprintf("%s-%d", app, os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make a folder for sockets: %w", err)
	}
	return dir, nil
}
