package tuf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/tesseract-desktop/tesseract/internal/durable"
	"github.com/tesseract-desktop/tesseract/updater/feed/internal/fault"
)

// Folder keeps the newest trusted file of each role below root, as "<role>.json".
type Folder struct {
	Root *os.Root
	Dir  string // within Root; empty for Root itself
}

// Read returns a role's file of at most limit bytes, or fs.ErrNotExist.
func (f Folder) Read(role string, limit int64) ([]byte, error) {
	file, err := f.Root.Open(f.name(role))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is longer than %d bytes", f.name(role), limit)
	}
	return data, nil
}

// Write replaces a role's file, durably.
func (f Folder) Write(role string, data []byte) error {
	if err := durable.WriteFile(f.Root, f.name(role), data, 0o600); err != nil {
		return fmt.Errorf("%w: %w", fault.ErrState, err)
	}
	return nil
}

// Drop removes a role's file.
func (f Folder) Drop(role string) error {
	if err := f.Root.Remove(f.name(role)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", fault.ErrState, err)
	}
	return nil
}

func (f Folder) name(role string) string {
	if f.Dir == "" {
		return FileName(role + ".json")
	}
	return f.Dir + "/" + FileName(role+".json")
}

// FileName is a file name on every system, and a different one for every name:
// what is not plainly a letter of one is written as %XX.
func FileName(name string) string {
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.' && i > 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
